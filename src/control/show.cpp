// SPDX-License-Identifier: Apache-2.0
#include "inspect/show.hpp"

#include "control/command.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string path;
  bool json = false;
};

base::ExitCode run_show(Context& /*context*/, const Options& options) {
  print(options.json ? inspect::show_json(options.path) : inspect::show_text(options.path));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg show configs/runs/digits_mlp\n"
      "  talweg show run/checkpoints/best.h5\n"
      "  talweg show run/trace.h5 --json\n"
      "Works on a live run too, and shows what it wrote last.");
  auto options = std::make_shared<Options>();
  arguments.add("path", options->path, "run directory, checkpoint or trace").required();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_show(context, *options); };
}

}  // namespace

extern const CommandEntry command_show;
const CommandEntry command_show{"show", "a run, a checkpoint or a trace, for people", false, declare};

}  // namespace talweg::control
