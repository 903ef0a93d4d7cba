// SPDX-License-Identifier: Apache-2.0
#include "control/problems.hpp"

#include "control/command.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> set;
  bool json = false;
};

base::ExitCode run_problems(Context& /*context*/, const Options& options) {
  if (options.name.empty()) {
    print(options.json ? problems_json() : problems_text());
    return base::ExitCode::finished;
  }
  const model::ProblemEntry& entry = model::find_problem(options.name);
  print(options.json ? problem_json(entry, options.set) : problem_text(entry, options.set));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg problems\n"
      "  talweg problems nesterov_chain\n"
      "  talweg problems lasso --set problem.dimension=32 --set regularizer.l1=0.1\n"
      "To run one, a config has [problem] name and its keys instead of [model] and [data].");
  auto options = std::make_shared<Options>();
  arguments.add("name", options->name, "a problem");
  arguments.add("--set", options->set, "override a key: problem.key=value, regularizer.key=value").repeated();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_problems(context, *options); };
}

}  // namespace

extern const CommandEntry command_problems;
const CommandEntry command_problems{"problems", "problems with known answers: formula, constants, minima, saddles, source",
                                    false, declare};

}  // namespace talweg::control
