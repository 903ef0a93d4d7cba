// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "inspect/run_files.hpp"
#include "inspect/show.hpp"
#include "report/table.hpp"

namespace talweg::inspect {
namespace {

using report::Table;

constexpr std::array kLastFigures = {
    "step",    "epoch", "examples",      "gradient_evaluations", "hvp_evaluations", "value_evaluations",
    "seconds", "loss",  "gradient_norm", "update_norm",          "parameter_norm",  "learning_rate",
    "part"};

std::size_t rows_of(const io::Columns& columns) {
  const auto steps = columns.find("step");
  return steps != columns.end() ? steps->second.size() : 0;
}

/// Evaluation columns in the order people look for them: objective, then train, valid, test.
std::vector<std::string> figures_of(const io::Columns& evaluation) {
  std::vector<std::string> names;
  for (const auto& [name, values] : evaluation) {
    if (name != "step" && name != "seconds" && name != "gradient_evaluations") names.push_back(name);
  }
  constexpr std::array<std::string_view, 4> kOrder = {"train_objective", "train_", "valid_", "test_"};
  std::ranges::stable_sort(names, {}, [&](const std::string& name) {
    return std::ranges::find_if(kOrder, [&](std::string_view start) { return name.starts_with(start); }) - kOrder.begin();
  });
  return names;
}

std::string attribute_text(const std::variant<std::int64_t, std::string>& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? std::to_string(*number) : std::get<std::string>(value);
}

}  // namespace

std::string evaluations_text(const io::Trace& trace, std::size_t count) {
  using enum Table::Align;
  const std::size_t rows = rows_of(trace.evaluation);
  if (rows == 0) return "  no evaluations yet\n";
  const std::vector<std::string> names = figures_of(trace.evaluation);
  std::vector<Table::Column> columns = {{"step", right}, {"seconds", right}};
  for (const std::string& name : names) columns.push_back({name, right});
  Table table(columns);
  for (std::size_t i = rows - std::min(rows, count); i < rows; ++i) {
    std::vector<std::string> cells = {fmt::format("{:.0f}", trace.evaluation.at("step")[i]),
                                      fmt::format("{:.2f}", trace.evaluation.at("seconds")[i])};
    for (const std::string& name : names) cells.push_back(figure_text(name, trace.evaluation.at(name)[i]));
    table.add(std::move(cells));
  }
  return table.text("  ");
}

std::string trace_text(const std::string& file, const io::Trace& trace) {
  std::string text = fmt::format("{}\n", file);
  for (const auto& [name, value] : trace.attributes) {
    if (name != "config") text += fmt::format("  {:<17} {}\n", name, attribute_text(value));
  }
  text += fmt::format("\n{} rows; the last:\n", rows_of(trace.steps));
  Table last({{"", Table::Align::left}, {"", Table::Align::right}});
  for (const char* name : kLastFigures) {
    const double value = last_number(trace.steps, name);
    if (!std::isnan(value)) last.add({name, fmt::format("{:.10g}", value)});
  }
  text += last.text("  ");
  text += fmt::format("\n{} evaluations; the last:\n{}", rows_of(trace.evaluation), evaluations_text(trace, 5));
  text += fmt::format("\n{} events\n", trace.events.size());
  for (const io::TraceEvent& e : trace.events) text += fmt::format("  step {:<9} {:<9} {}\n", e.step, e.kind, e.message);
  return text;
}

void write_trace(report::JsonWriter& json, const std::string& file, const io::Trace& trace) {
  json.object().field("kind", "trace").field("file", file);
  json.object("attributes");
  for (const auto& attribute : trace.attributes)
    std::visit([&](const auto& v) { json.field(attribute.first, v); }, attribute.second);
  json.end();
  json.field("rows", rows_of(trace.steps));
  json.object("last");
  for (const char* name : kLastFigures) json.field(name, last_number(trace.steps, name));
  json.end();
  json.array("evaluations");
  const std::vector<std::string> names = figures_of(trace.evaluation);
  for (std::size_t i = 0; i < rows_of(trace.evaluation); ++i) {
    json.object().field("step", static_cast<std::int64_t>(trace.evaluation.at("step")[i]));
    json.field("seconds", trace.evaluation.at("seconds")[i]);
    for (const std::string& name : names) json.field(name, trace.evaluation.at(name)[i]);
    json.end();
  }
  json.end();
  json.array("events");
  for (const io::TraceEvent& e : trace.events) {
    json.object().field("step", e.step).field("seconds", e.seconds).field("kind", e.kind);
    json.field("message", e.message).end();
  }
  json.end().end();
}

}  // namespace talweg::inspect
