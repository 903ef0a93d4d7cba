// SPDX-License-Identifier: Apache-2.0
#include "control/methods.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "control/command.hpp"
#include "control/dialects.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> diff;  // none, or two dialects
  bool json = false;
};

[[noreturn]] void refuse(const std::string& name) {
  std::vector<std::string> known;
  for (const optim::Entry* entry : optim::catalogue()) known.emplace_back(entry->name);
  for (const optim::ScheduleEntry& entry : optim::schedules()) known.emplace_back(entry.name);
  const auto near = base::nearest(name, known);
  base::fail(base::ExitCode::usage, "found '{}', expected a method or schedule{}; known are {}", name,
             near ? fmt::format(" (did you mean '{}'?)", *near) : "", fmt::join(known, ", "));
}

base::ExitCode run_methods(Context& /*context*/, const Options& options) {
  if (!options.diff.empty()) {
    const DialectDiff diff = dialect_diff(optim::find_entry(options.name), options.diff.at(0), options.diff.at(1));
    print(options.json ? to_json(diff) : to_text(diff));
    return base::ExitCode::finished;
  }
  if (options.name.empty()) {
    print(options.json ? catalogue_json() : catalogue_text());
    return base::ExitCode::finished;
  }
  const auto methods = optim::catalogue();
  const auto method = std::ranges::find(methods, options.name, &optim::Entry::name);
  const auto schedules = optim::schedules();
  const auto schedule = std::ranges::find(schedules, options.name, &optim::ScheduleEntry::name);
  if (method != methods.end()) {
    const MethodView view = view_of(**method);
    print(options.json ? to_json(view) : to_text(view));
  } else if (schedule != schedules.end()) {
    const ScheduleView view = view_of(*schedule);
    print(options.json ? to_json(view) : to_text(view));
  } else {
    refuse(options.name);
  }
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg methods\n"
      "  talweg methods adam\n"
      "  talweg methods adam --diff tf1 torch\n"
      "  talweg methods --json\n"
      "Without a name: every method, and the schedules, losses, activations, models and data formats a config may name.");
  auto options = std::make_shared<Options>();
  const Argument name = arguments.add("name", options->name, "a method or a schedule");
  arguments.add("--diff", options->diff, "two dialects of the rule: recurrences, the map between them, where they differ")
      .takes(2)
      .needs(name);
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_methods(context, *options); };
}

}  // namespace

extern const CommandEntry command_methods;
const CommandEntry command_methods{"methods", "the catalogue; one method: its rule, hyperparameters, state, cost, source",
                                   false, declare};

}  // namespace talweg::control
