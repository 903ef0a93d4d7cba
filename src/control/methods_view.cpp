// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include "control/methods.hpp"
#include "data/load.hpp"
#include "model/build.hpp"
#include "optim/settings.hpp"
#include "report/json_writer.hpp"
#include "report/table.hpp"
#include "talweg/error.hpp"

namespace talweg::control {
namespace {

using report::JsonWriter;
using report::Table;

/// The resolved keys of `section`, without the key that chose the entry itself.
std::vector<base::Resolved> keys_of(const base::Config& config, std::string_view section, std::string_view chooser) {
  std::vector<base::Resolved> keys;
  for (base::Resolved& r : config.resolved()) {
    if (r.section == section && r.key != chooser) keys.push_back(std::move(r));
  }
  return keys;
}

/// `text` with `indent` before each line.
std::string indented(std::string_view text, std::string_view indent) {
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines += fmt::format("{}{}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string keys_text(const std::vector<base::Resolved>& keys, const std::string& indent = "  ") {
  Table table({{"", {}}, {"", {}}, {"", {}}});
  for (const base::Resolved& r : keys) table.add({r.key, "= " + r.value, r.meaning});
  return table.text(indent);
}

void write_keys(JsonWriter& json, std::string_view name, const std::vector<base::Resolved>& keys) {
  json.array(name);
  for (const base::Resolved& r : keys)
    json.object().field("name", r.key).field("default", r.value).field("meaning", r.meaning).end();
  json.end();
}

void write_needs(JsonWriter& json, const optim::Needs& needs) {
  json.object("needs");
  for (const optim::Need need : optim::all_needs()) {
    const std::string_view name = optim::facts_of(need).name;
    need == optim::Need::horizon ? json.field(name, needs.horizon()) : json.field(name, needs.has(need));
  }
  json.end();
}

/// An entry built from these lines of [method] ("": from its defaults), and the keys it read.
struct Built {
  std::vector<base::Resolved> hyperparameters;
  std::unique_ptr<optim::Method> method;
  Built(const optim::Entry& entry, const std::string& lines) {
    const base::Config config =
        base::Config::parse(fmt::format("[method]\nname = \"{}\"\n{}\n", entry.name, lines), std::string(entry.name));
    config.list_required();
    method = optim::build_method(config.section("method"));
    hyperparameters = keys_of(config, "method", "name");
  }
};

/// Keys that the entry reads only when another key has a value other than its default. Modes with the same keys are merged.
std::vector<MethodView::Mode> modes_of(const optim::Entry& entry, const std::vector<base::Resolved>& usual) {
  std::vector<MethodView::Mode> modes;
  for (const base::Resolved& key : usual) {
    if (key.key == "rule" || key.key == "dialect") continue;  // listed elsewhere
    for (const std::string& setting : optim::other_settings(key)) {
      std::vector<base::Resolved> more;
      try {
        more = Built(entry, setting).hyperparameters;
      } catch (const base::Error&) {  // this value needs other keys as well
        continue;
      }
      std::erase_if(
          more, [&](const base::Resolved& r) { return std::ranges::find(usual, r.key, &base::Resolved::key) != usual.end(); });
      if (more.empty()) continue;
      const bool off = key.value == "0" || key.value == "0.0";
      const std::string with = off ? fmt::format("{} > 0", key.key) : setting;
      const auto names = [](const std::vector<base::Resolved>& keys) {
        std::string text;
        for (const base::Resolved& r : keys) text += r.key + " = " + r.value + "; ";
        return text;
      };
      const auto same = std::ranges::find_if(modes, [&](const MethodView::Mode& m) { return names(m.keys) == names(more); });
      if (same != modes.end()) {
        same->with += " or " + with;
      } else {
        modes.push_back({with, std::move(more)});
      }
    }
  }
  return modes;
}

std::string_view name_of(optim::Grain grain) {
  switch (grain) {
    case optim::Grain::element:
      return "element";
    case optim::Grain::tensor:
      return "tensor";
    case optim::Grain::global:
      break;
  }
  return "global";
}

void write(JsonWriter& json, const MethodView& v) {
  json.object().field("name", v.name).field("kind", v.kind).field("title", v.title).field("rule", v.rule);
  write_keys(json, "hyperparameters", v.hyperparameters);
  json.array("modes");
  for (const MethodView::Mode& m : v.modes) {
    json.object().field("with", m.with);
    write_keys(json, "hyperparameters", m.keys);
    json.end();
  }
  json.end();
  json.object("dialects");
  for (const MethodView::Dialect& d : v.dialects) write_keys(json, d.name, d.differ);
  json.end();
  json.field("grain", v.grain);
  json.object("state").field("vectors", v.vectors).field("numbers", v.numbers).end();
  json.field("output", v.output);
  write_needs(json, v.needs);
  json.field("cost", v.cost).field("guarantee", v.guarantee).field("source", v.source).end();
}

void write(JsonWriter& json, const ScheduleView& v) {
  json.object().field("name", v.name).field("formula", v.formula);
  write_keys(json, "parameters", v.parameters);
  json.end();
}

}  // namespace

MethodView view_of(const optim::Entry& entry) {
  const Built built(entry, "");
  math::ParameterLayout some;  // some tables have an entry per tensor
  some.add("weight", {2, 3});
  math::StateLayout layout;
  layout.vector("x");
  built.method->declare(layout, some);
  MethodView view{.name = std::string(entry.name),
                  .kind = entry.make_rule != nullptr        ? "update rule"
                          : entry.make_estimator != nullptr ? "estimator"
                                                            : "method",
                  .title = std::string(entry.title),
                  .rule = std::string(entry.rule),
                  .source = std::string(entry.source),
                  .cost = std::string(entry.cost),
                  .guarantee = std::string(entry.guarantee),
                  .grain = std::string(name_of(built.method->grain())),
                  .output = std::string(built.method->output()),
                  .hyperparameters = built.hyperparameters,
                  .modes = modes_of(entry, built.hyperparameters),
                  .dialects = {},
                  .vectors = {},
                  .numbers = {},
                  .needs = built.method->needs()};
  for (const std::string_view dialect : entry.dialects) {
    MethodView::Dialect& last = view.dialects.emplace_back(MethodView::Dialect{std::string(dialect), {}});
    for (base::Resolved& r : Built(entry, fmt::format("dialect = \"{}\"", dialect)).hyperparameters) {
      const auto same = std::ranges::find(view.hyperparameters, r.key, &base::Resolved::key);
      const bool differs = same == view.hyperparameters.end() || same->value != r.value;
      if (differs && r.key != "dialect") last.differ.push_back(std::move(r));
    }
  }
  for (const std::string& name : layout.vectors()) {
    if (name != "x") view.vectors.push_back(name);
  }
  for (const std::string& name : layout.per_example()) view.numbers.push_back(name + " (per example)");
  for (const auto& s : layout.scalars()) view.numbers.push_back(s.name);
  for (const auto& c : layout.counters()) view.numbers.push_back(c.name);
  for (const auto& a : layout.arrays()) view.numbers.push_back(fmt::format("{}[{}]", a.name, a.size));
  return view;
}

std::string to_json(const MethodView& v) {
  JsonWriter json;
  write(json, v);
  return json.text();
}

std::string to_text(const MethodView& v) {
  std::string text = fmt::format("{} ({}): {}\n\nRule\n{}\n", v.name, v.kind, v.title, indented(v.rule, "  "));
  text += fmt::format("Hyperparameters of [method], with their defaults\n{}", keys_text(v.hyperparameters));
  for (const MethodView::Mode& m : v.modes) text += fmt::format("  with {}\n{}", m.with, keys_text(m.keys, "    "));
  for (const MethodView::Dialect& d : v.dialects) {
    std::vector<std::string> differ;
    for (const base::Resolved& r : d.differ) differ.push_back(r.key + " = " + r.value);
    if (!differ.empty()) text += fmt::format("  with dialect = \"{}\": {}\n", d.name, fmt::join(differ, ", "));
  }
  text += fmt::format("\nState      {}\n",
                      v.vectors.empty() ? "no vectors besides the parameters"
                                        : fmt::format("{} x parameters: {}", v.vectors.size(), fmt::join(v.vectors, ", ")));
  if (!v.numbers.empty()) text += fmt::format("           numbers: {}\n", fmt::join(v.numbers, ", "));
  if (v.output != "x")
    text += fmt::format("           the parameters to use are in {}; gradients are taken at another point\n", v.output);
  text += fmt::format("Grain      {}\n", v.grain);
  text += fmt::format("Takes      {}\nCost       {}\n", fmt::join(optim::takes(v.needs), "; "), v.cost);
  return text + fmt::format("Guarantee  {}\nSource     {}\n", v.guarantee, v.source);
}

ScheduleView view_of(const optim::ScheduleEntry& entry) {
  const base::Config config =
      base::Config::parse(fmt::format("[schedule]\nkind = \"{}\"\n{}", entry.name, entry.example), std::string(entry.name));
  optim::build_schedule(config.section("schedule"));
  ScheduleView view{.name = std::string(entry.name),
                    .formula = std::string(entry.formula),
                    .parameters = keys_of(config, "schedule", "kind")};
  for (base::Resolved& r : view.parameters) {
    if (r.origin != "default") r.meaning += "; has to be given, such as this";
  }
  return view;
}

std::string to_json(const ScheduleView& v) {
  JsonWriter json;
  write(json, v);
  return json.text();
}

std::string to_text(const ScheduleView& v) {
  return fmt::format("{} (schedule)\n\nFactor of the learning rate\n{}\nParameters of [schedule], with their defaults\n{}",
                     v.name, indented(v.formula, "  "), keys_text(v.parameters));
}

std::string catalogue_text() {
  std::string methods;
  const auto list = [&](const char* title, auto belongs) {
    Table table({{"", {}}, {"", {}}, {"", {}}});
    for (const optim::Entry* entry : optim::catalogue()) {
      if (belongs(*entry)) table.add({std::string(entry->name), std::string(entry->title), std::string(entry->cost)});
    }
    methods += fmt::format("{}\n{}\n", title, table.text("  "));
  };
  list("Update rules ([method] name, or rule after an estimator), and what a step costs",
       [](const optim::Entry& e) { return e.make_rule != nullptr; });
  list("Gradient estimators ([method] name, with rule = one of the above)",
       [](const optim::Entry& e) { return e.make_estimator != nullptr; });
  list("Methods of their own ([method] name)", [](const optim::Entry& e) { return e.make_method != nullptr; });
  Table schedules({{"", {}}, {"", {}}});
  for (const optim::ScheduleEntry& entry : optim::schedules())
    schedules.add({std::string(entry.name), std::string(entry.formula)});
  return methods + fmt::format("Schedules ([schedule] kind)\n{}\n", schedules.text("  ")) +
         fmt::format("Models ([model] kind)              {}\n", fmt::join(model::model_names(), ", ")) +
         fmt::format("Losses ([model] loss)              {}\n", fmt::join(model::loss_names(), ", ")) +
         fmt::format("Activations ([model] activation)   {}\n", fmt::join(model::activation_names(), ", ")) +
         fmt::format("Data formats ([data] format)       {}\n", fmt::join(data::format_names(), ", ")) +
         "\ntalweg methods NAME describes one method or schedule in full.\n";
}

std::string catalogue_json() {
  JsonWriter json;
  json.object().array("methods");
  for (const optim::Entry* entry : optim::catalogue()) write(json, view_of(*entry));
  json.end().array("schedules");
  for (const optim::ScheduleEntry& entry : optim::schedules()) write(json, view_of(entry));
  json.end();
  json.field("models", model::model_names()).field("losses", model::loss_names());
  json.field("activations", model::activation_names()).field("formats", data::format_names()).end();
  return json.text();
}

}  // namespace talweg::control
