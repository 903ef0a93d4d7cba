// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include "control/methods.hpp"
#include "control/table.hpp"
#include "talweg/data/load.hpp"
#include "talweg/model/build.hpp"

namespace talweg::control {
namespace {

/// What `section` resolved to, without the key that chose the entry itself.
std::vector<base::Resolved> keys_of(const base::Config& config, std::string_view section, std::string_view chooser) {
  std::vector<base::Resolved> keys;
  for (base::Resolved& r : config.resolved()) {
    if (r.section == section && r.key != chooser) keys.push_back(std::move(r));
  }
  return keys;
}

/// The lines of `text`, each after `indent`.
std::string indented(std::string_view text, std::string_view indent) {
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines += fmt::format("{}{}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string keys_text(const std::vector<base::Resolved>& keys) {
  Table table({{"", {}}, {"", {}}, {"", {}}});
  for (const base::Resolved& r : keys) table.add({r.key, "= " + r.value, r.meaning});
  return table.text("  ");
}

nlohmann::ordered_json keys_json(const std::vector<base::Resolved>& keys) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const base::Resolved& r : keys) json.push_back({{"name", r.key}, {"default", r.value}, {"meaning", r.meaning}});
  return json;
}

std::string needs_text(const optim::Needs& needs) {
  std::vector<std::string> all;
  if (needs.full_batch) all.emplace_back("run.batch = \"full\"");
  if (needs.hvp) all.emplace_back("Hessian-vector products");
  if (needs.smooth_omega) all.emplace_back("a smooth regularizer (no l1, no box)");
  return all.empty() ? "nothing special" : fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

MethodView view_of(const optim::Entry& entry) {
  const base::Config config =
      base::Config::parse(fmt::format("[method]\nname = \"{}\"\n", entry.name), std::string(entry.name));
  const auto method = optim::build_method(config.section("method"));
  math::StateLayout layout;
  layout.vector("x");
  method->declare(layout);
  MethodView view{.name = std::string(entry.name),
                  .kind = entry.make_rule != nullptr        ? "update rule"
                          : entry.make_estimator != nullptr ? "estimator"
                                                            : "method",
                  .title = std::string(entry.title),
                  .rule = std::string(entry.rule),
                  .source = std::string(entry.source),
                  .cost = std::string(entry.cost),
                  .hyperparameters = keys_of(config, "method", "name"),
                  .vectors = {},
                  .numbers = {},
                  .needs = method->needs()};
  for (const std::string& name : layout.vectors()) {
    if (name != "x") view.vectors.push_back(name);
  }
  for (const auto& s : layout.scalars()) view.numbers.push_back(s.name);
  for (const auto& c : layout.counters()) view.numbers.push_back(c.name);
  for (const auto& a : layout.arrays()) view.numbers.push_back(fmt::format("{}[{}]", a.name, a.size));
  return view;
}

nlohmann::ordered_json to_json(const MethodView& v) {
  return {{"name", v.name},
          {"kind", v.kind},
          {"title", v.title},
          {"rule", v.rule},
          {"hyperparameters", keys_json(v.hyperparameters)},
          {"state", {{"vectors", v.vectors}, {"numbers", v.numbers}}},
          {"needs", {{"full_batch", v.needs.full_batch}, {"hvp", v.needs.hvp}, {"smooth_omega", v.needs.smooth_omega}}},
          {"cost", v.cost},
          {"source", v.source}};
}

std::string to_text(const MethodView& v) {
  std::string text = fmt::format("{} ({}): {}\n\nRule\n{}\n", v.name, v.kind, v.title, indented(v.rule, "  "));
  text += fmt::format("Hyperparameters of [method], with their defaults\n{}\n", keys_text(v.hyperparameters));
  text += fmt::format("State    {}\n", v.vectors.empty()
                                           ? "no vector beside the parameters"
                                           : fmt::format("{} x parameters: {}", v.vectors.size(), fmt::join(v.vectors, ", ")));
  if (!v.numbers.empty()) text += fmt::format("         numbers: {}\n", fmt::join(v.numbers, ", "));
  text += fmt::format("Needs    {}\nCost     {}\nSource   {}\n", needs_text(v.needs), v.cost, v.source);
  return text;
}

ScheduleView view_of(const optim::ScheduleEntry& entry) {
  const base::Config config =
      base::Config::parse(fmt::format("[schedule]\nkind = \"{}\"\n", entry.name), std::string(entry.name));
  optim::build_schedule(config.section("schedule"));
  return {.name = std::string(entry.name),
          .formula = std::string(entry.formula),
          .parameters = keys_of(config, "schedule", "kind")};
}

nlohmann::ordered_json to_json(const ScheduleView& v) {
  return {{"name", v.name}, {"formula", v.formula}, {"parameters", keys_json(v.parameters)}};
}

std::string to_text(const ScheduleView& v) {
  return fmt::format("{} (schedule)\n\nFactor of the learning rate\n{}\nParameters of [schedule], with their defaults\n{}",
                     v.name, indented(v.formula, "  "), keys_text(v.parameters));
}

std::string catalogue_text() {
  Table methods({{"name", {}}, {"title", {}}, {"cost of a step", {}}});
  for (const optim::Entry* entry : optim::catalogue()) {
    methods.add({std::string(entry->name), std::string(entry->title), std::string(entry->cost)});
  }
  Table schedules({{"", {}}, {"", {}}});
  for (const optim::ScheduleEntry* entry : optim::schedules())
    schedules.add({std::string(entry->name), std::string(entry->formula)});
  return fmt::format("Methods ([method] name)\n{}\nSchedules ([schedule] kind)\n{}\n", methods.text("  "),
                     schedules.text("  ")) +
         fmt::format("Models ([model] kind)              {}\n", fmt::join(model::model_names(), ", ")) +
         fmt::format("Losses ([model] loss)              {}\n", fmt::join(model::loss_names(), ", ")) +
         fmt::format("Activations ([model] activation)   {}\n", fmt::join(model::activation_names(), ", ")) +
         fmt::format("Data formats ([data] format)       {}\n", fmt::join(data::format_names(), ", ")) +
         "\ntalweg methods NAME tells all about one method or schedule.\n";
}

std::string catalogue_json() {
  nlohmann::ordered_json methods = nlohmann::ordered_json::array();
  for (const optim::Entry* entry : optim::catalogue()) methods.push_back(to_json(view_of(*entry)));
  nlohmann::ordered_json schedules = nlohmann::ordered_json::array();
  for (const optim::ScheduleEntry* entry : optim::schedules()) schedules.push_back(to_json(view_of(*entry)));
  const nlohmann::ordered_json json = {{"methods", methods},
                                       {"schedules", schedules},
                                       {"models", model::model_names()},
                                       {"losses", model::loss_names()},
                                       {"activations", model::activation_names()},
                                       {"formats", data::format_names()}};
  return json.dump(2) + "\n";
}

}  // namespace talweg::control
