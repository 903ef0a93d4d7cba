// SPDX-License-Identifier: Apache-2.0
#include "inspect/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "inspect/run_files.hpp"
#include "report/json_writer.hpp"
#include "report/table.hpp"
#include "talweg/error.hpp"

namespace talweg::inspect {
namespace {

using report::Table;

constexpr std::array kFigures = {"train_accuracy", "valid_accuracy", "test_accuracy", "train_rmse", "valid_rmse", "test_rmse"};

double smallest(const io::Columns& columns, const std::string& name) {
  double least = std::numeric_limits<double>::quiet_NaN();
  const auto found = columns.find(name);
  if (found == columns.end()) return least;
  for (const double value : found->second) least = std::fmin(least, value);  // fmin passes over NaN
  return least;
}

std::string count_text(double value) { return std::isnan(value) ? "-" : fmt::format("{:.0f}", value); }

std::string column_of(const std::string& x) { return x == "gradients" ? "gradient_evaluations" : x; }

}  // namespace

std::vector<ComparedRun> read_runs(const std::vector<std::string>& paths) {
  std::vector<ComparedRun> runs;
  for (const std::string& path : paths) {
    if (kind_of(path) == PathKind::checkpoint) {
      base::fail(base::ExitCode::usage, "{}: found a checkpoint or another file, expected a run directory or a trace.h5", path);
    }
    runs.push_back({.name = run_name(path), .path = path, .trace = io::read_trace(path)});
  }
  return runs;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string compare_table(const std::vector<ComparedRun>& runs) {
  using enum Table::Align;
  std::vector<std::string> figures;
  for (const char* name : kFigures) {
    if (std::ranges::any_of(runs, [&](const ComparedRun& r) { return !std::isnan(last_number(r.trace.evaluation, name)); }))
      figures.emplace_back(name);
  }
  std::vector<Table::Column> columns = {
      {"run", left}, {"method", left}, {"steps", right}, {"objective", right}, {"least", right}};
  for (const std::string& name : figures) columns.push_back({name, right});
  columns.push_back({"gradients", right});
  columns.push_back({"seconds", right});
  Table table(columns);
  for (const ComparedRun& run : runs) {
    const io::Trace& t = run.trace;
    std::vector<std::string> cells = {run.name, text_attribute(t, "method"), count_text(last_number(t.steps, "step")),
                                      figure_text("train_objective", last_number(t.evaluation, "train_objective")),
                                      figure_text("train_objective", smallest(t.evaluation, "train_objective"))};
    for (const std::string& name : figures) cells.push_back(figure_text(name, last_number(t.evaluation, name)));
    cells.push_back(count_text(last_number(t.steps, "gradient_evaluations")));
    const double seconds = last_number(t.steps, "seconds");
    cells.push_back(std::isnan(seconds) ? "-" : fmt::format("{:.2f}", seconds));
    table.add(std::move(cells));
  }
  return table.text();
}

std::string compare_json(const std::vector<ComparedRun>& runs) {
  report::JsonWriter json;
  json.array();
  for (const ComparedRun& run : runs) {
    const io::Trace& t = run.trace;
    json.object().field("run", run.name).field("path", run.path.string()).field("method", text_attribute(t, "method"));
    json.field("steps", last_number(t.steps, "step"));
    json.field("objective", last_number(t.evaluation, "train_objective"));
    json.field("best_objective", smallest(t.evaluation, "train_objective"));
    json.field("gradients", last_number(t.steps, "gradient_evaluations"));
    json.field("seconds", last_number(t.steps, "seconds"));
    for (const char* name : kFigures) {
      if (t.evaluation.contains(name)) json.field(name, last_number(t.evaluation, name));
    }
    json.end();
  }
  return json.end().text();
}

double axis_value(const io::Trace& trace, const std::string& x, double step) {
  if (x == "step") return step;
  const auto steps = trace.steps.find("step");
  const auto values = trace.steps.find(column_of(x));
  if (steps == trace.steps.end() || values == trace.steps.end() || steps->second.empty())
    return std::numeric_limits<double>::quiet_NaN();
  const auto at = static_cast<std::size_t>(std::ranges::lower_bound(steps->second, step) - steps->second.begin());
  if (at == steps->second.size()) return values->second.back();
  const double before_step = at == 0 ? 0 : steps->second[at - 1];  // everything counts from 0 at step 0
  const double before = at == 0 ? 0 : values->second[at - 1];
  const double share = (step - before_step) / (steps->second[at] - before_step);
  return before + share * (values->second[at] - before);
}

std::string compare_csv(const std::vector<ComparedRun>& runs, const std::string& x) {
  std::string csv = "run," + x + ",series,value\n";
  for (const ComparedRun& run : runs) {
    const std::string name = csv_field(run.name);
    const io::Trace& t = run.trace;
    const auto add_series = [&](const io::Columns& columns, const std::string& series) {
      const auto steps = columns.find("step");
      const auto values = columns.find(series);
      if (steps == columns.end() || values == columns.end()) return;
      for (std::size_t i = 0; i < values->second.size(); ++i) {
        if (std::isnan(values->second[i])) continue;
        const double place =
            x == "seconds" && columns.contains("seconds") ? columns.at("seconds")[i] : axis_value(t, x, steps->second[i]);
        csv += fmt::format("{},{},{},{}\n", name, place, series, values->second[i]);
      }
    };
    add_series(t.steps, "loss");
    for (const auto& [series, values] : t.evaluation) {
      if (series != "step" && series != "seconds" && series != "gradient_evaluations") add_series(t.evaluation, series);
    }
  }
  return csv;
}

}  // namespace talweg::inspect
