// SPDX-License-Identifier: Apache-2.0
#include "inspect/compare.hpp"

#include "control/command.hpp"
#include "control/theory.hpp"
#include "io/atomic_file.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::vector<std::string> runs;
  std::string x = "epoch";
  std::string output;
  bool theory = false;
  bool json = false;
};

base::ExitCode run_compare(Context& context, const Options& options) {
  const std::filesystem::path output(options.output);
  const std::string ending = output.extension().string();
  if (!options.output.empty() && ending != ".png" && ending != ".svg" && ending != ".csv") {
    base::fail(base::ExitCode::usage, "-o {}: found the ending '{}', expected .png, .svg or .csv", options.output, ending);
  }
  const std::vector<inspect::ComparedRun> runs = inspect::read_runs(options.runs);
  std::vector<TheoryCurves> theory;
  if (options.theory) {
    for (const inspect::ComparedRun& run : runs) theory.push_back(theory_of(run));
    print(options.json ? theory_json(theory) : theory_table(theory));
  } else {
    print(options.json ? inspect::compare_json(runs) : inspect::compare_table(runs));
  }
  if (options.output.empty()) return base::ExitCode::finished;
  if (ending == ".csv") {
    const std::string csv = options.theory ? theory_csv(runs, theory, options.x) : inspect::compare_csv(runs, options.x);
    io::write_atomically(output, std::as_bytes(std::span(csv)));
  } else {
    inspect::plot(runs, options.x, output, options.theory ? theory_csv(runs, theory, options.x) : "");
  }
  context.log().info("wrote " + options.output);
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg compare runs/sgd runs/adam\n"
      "  talweg compare runs/* --x gradients -o methods.png\n"
      "  talweg compare runs/adam -o adam.csv\n"
      "  talweg compare runs/gd runs/agd --theory --x step -o bounds.png\n"
      "gradients: example-gradients the method asked for, the fair axis between methods. Pictures need python3 with h5py and\n"
      "matplotlib; the CSV (run, x, series, value) needs neither.");
  auto options = std::make_shared<Options>();
  arguments.add("runs", options->runs, "run directories").required();
  arguments.add("--x", options->x, "axis of picture and CSV (default epoch)")
      .one_of({"step", "epoch", "examples", "gradients", "seconds"});
  arguments.add("-o,--output", options->output, "FILE.png, FILE.svg or FILE.csv");
  arguments.flag("--theory", options->theory,
                 "runs of problems with known answers: F - F*, the bound proven for the method, the lower bound");
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_compare(context, *options); };
}

}  // namespace

extern const CommandEntry command_compare;
const CommandEntry command_compare{"compare", "runs side by side: a table, loss curves, CSV", false, declare};

}  // namespace talweg::control
