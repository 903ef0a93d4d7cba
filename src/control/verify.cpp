// SPDX-License-Identifier: Apache-2.0
#include "inspect/verify.hpp"

#include "control/command.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  bool json = false;
};

base::ExitCode run_verify(Context& /*context*/, const Options& options) {
  const std::vector<inspect::FileFinding> findings = inspect::verify(options.run);
  print(options.json ? inspect::findings_json(findings) : inspect::findings_text(findings));
  return inspect::exit_code(findings);
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg verify configs/runs/digits_mlp\n"
      "  talweg verify run/checkpoints/best.h5 --json\n"
      "Compares every byte of every checkpoint with its hash, reads the whole trace (its compressed chunks and the rows in\n"
      "trace.rows carry checksums; an incomplete last row is what a kill leaves, not damage), parses config and summary, and\n"
      "changes nothing. It also checks that files agree: the last checkpoint, the best point and the rows of the trace that\n"
      "other files mention must exist, and every checkpoint must belong to this trace.\n"
      "Exit code 0: all intact; 65: a file is damaged or lacks rows; 66: a file is lost.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory, checkpoint or trace").required();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_verify(context, *options); };
}

}  // namespace

extern const CommandEntry command_verify;
const CommandEntry command_verify{"verify", "integrity of a run's checkpoints and trace", false, declare};

}  // namespace talweg::control
