// SPDX-License-Identifier: Apache-2.0
#include "control/template.hpp"

#include <algorithm>

#include "control/command.hpp"
#include "report/table.hpp"

namespace talweg::control {
namespace {

std::string task_list() {
  report::Table table({{"", {}}, {"", {}}});
  for (const ConfigTemplate& t : config_templates()) table.add({std::string(t.task), std::string(t.summary)});
  return table.text("  ");
}

const ConfigTemplate& find_template(const std::string& task) {
  const auto templates = config_templates();
  const auto found = std::ranges::find(templates, task, &ConfigTemplate::task);
  if (found != templates.end()) return *found;
  std::vector<std::string> known;
  for (const ConfigTemplate& t : templates) known.emplace_back(t.task);
  const auto near = base::nearest(task, known);
  base::fail(base::ExitCode::usage, "found the task '{}', expected one of{}\n{}", task,
             near ? fmt::format(" (did you mean '{}'?)", *near) : "", task_list());
}

base::ExitCode run_template(const std::string& task) {
  if (task.empty()) {
    print("Tasks (talweg template TASK > run.toml):\n" + task_list());
  } else {
    print(std::string(find_template(task).text));
  }
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n  talweg template digits > run.toml\n  talweg template            the list of tasks\n\nTasks:\n" +
      task_list());
  auto task = std::make_shared<std::string>();
  arguments.add("task", *task, "the kind of problem; none: the list of tasks");
  return [task](Context& /*context*/) { return run_template(*task); };
}

}  // namespace

extern const CommandEntry command_template;
const CommandEntry command_template{"template", "print a commented config to start from", false, declare};

}  // namespace talweg::control
