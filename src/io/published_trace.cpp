// SPDX-License-Identifier: Apache-2.0
#include "io/published_trace.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "io/column.hpp"
#include "io/trace_columns.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

constexpr std::array kNoFigures = {"step", "seconds", "gradient_evaluations"};

constexpr std::array<std::string_view, 3> kOwnAttributes{"format", "format_version", "rows_generation"};

/// Rows up to `last`, in a column that ascends.
std::size_t rows_until(const h5::Dataset& step, std::int64_t last) {
  const std::size_t rows = step.size();
  std::vector<std::int64_t> part;
  for (std::size_t row = 0; row < rows; row += part.size()) {
    part.resize(std::min(rows - row, Column::kChunkRows));
    step.read_rows<std::int64_t>(row, part);
    const auto after = std::ranges::find_if(part, [last](std::int64_t s) { return s > last; });
    if (after != part.end()) return row + static_cast<std::size_t>(after - part.begin());
  }
  return rows;
}

}  // namespace

std::int64_t expect_trace(const h5::Group& root, const std::string& file) {
  const h5::Attributes facts = root.attributes();
  if (!facts.has("format") || facts.text("format") != "talweg trace") {
    base::fail(ExitCode::bad_data, "{}: no talweg trace: expected the root attribute format = 'talweg trace'", file);
  }
  if (const std::int64_t version = facts.integer("format_version"); version > kTraceVersion) {
    base::fail(ExitCode::bad_data, "{}: found trace format {}, expected {} or older: written by a newer talweg", file, version,
               kTraceVersion);
  }
  return facts.integer("rows_generation");
}

TraceAttributes attributes_of(const h5::Group& root) {
  TraceAttributes all;
  const h5::Attributes attributes = root.attributes();
  for (const std::string& name : attributes.names()) {
    if (std::ranges::find(kOwnAttributes, name) != kOwnAttributes.end()) continue;
    h5::AttributeValue value = attributes.get(name);
    if (auto* text = std::get_if<std::string>(&value)) all[name] = std::move(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) all[name] = *integer;
  }
  return all;
}

void TraceShape::add_figure(const std::string& name) {
  if (std::ranges::find(kNoFigures, name) == kNoFigures.end() && std::ranges::find(figures, name) == figures.end())
    figures.push_back(name);
}

void TraceShape::add(const StepRow&) { ++steps; }

void TraceShape::add(const EvaluationRow& row) {
  ++evaluations;
  for (const auto& [name, value] : row.figures) add_figure(name);
}

void TraceShape::add(const TraceEvent& event) {
  ++events;
  kind_bytes = std::max(kind_bytes, event.kind.size());
  message_bytes = std::max(message_bytes, event.message.size());
}

PublishedTrace::PublishedTrace(const std::string& name, int file, std::optional<std::int64_t> cut)
    : name_(name), cut_(cut), file_(h5::File::open(name, file)) {
  const h5::Group root = file_.root(), evaluation = root.group("evaluation"), timing = root.group("timing");
  generation_ = expect_trace(root, name);
  const auto expect_rows = [&](const h5::Group& group, const std::string& column, std::size_t rows) {
    if (const std::size_t found = group.dataset(column).size(); found != rows) {
      base::fail(ExitCode::bad_data, "{}: column '{}': found {} rows, expected {} as in its step", name, column, found, rows);
    }
  };
  const h5::Dataset steps = root.dataset("step"), evaluations = evaluation.dataset("step");
  for (const StepColumn& column : kStepColumns) expect_rows(column.timing ? timing : root, column.name, steps.size());
  for (const std::string& column : evaluation.names()) expect_rows(evaluation, column, evaluations.size());
  const h5::Group events = root.group("events");
  const std::size_t count = events.dataset("step").size();
  for (const char* column : {"seconds", "kind", "message"}) expect_rows(events, column, count);
  steps_ = cut ? rows_until(steps, *cut) : steps.size();
  if (steps_ > 0) {
    std::array<std::int64_t, 1> last{};
    steps.read_rows<std::int64_t>(steps_ - 1, last);
    last_step_ = last[0];
  }
  evaluations_ = cut ? rows_until(evaluations, *cut) : evaluations.size();
}

void PublishedTrace::add_to(TraceShape& shape) const {
  shape.steps += steps_;
  shape.evaluations += evaluations_;
  for (const std::string& name : file_.root().group("evaluation").names()) shape.add_figure(name);
  events([&](const TraceEvent& event) { shape.add(event); });
}

void PublishedTrace::events(const std::function<void(TraceEvent)>& take) const {
  const h5::Group group = file_.root().group("events");
  const h5::Dataset step = group.dataset("step"), seconds = group.dataset("seconds"), kind = group.dataset("kind"),
                    message = group.dataset("message");
  const std::size_t rows = step.size();
  std::vector<std::int64_t> steps;
  std::vector<double> times;
  for (std::size_t row = 0; row < rows; row += steps.size()) {
    steps.resize(std::min(rows - row, std::max<std::size_t>(message.chunk_rows(), 1)));
    times.resize(steps.size());
    step.read_rows<std::int64_t>(row, steps);
    seconds.read_rows<double>(row, times);
    std::vector<std::string> kinds = kind.read_text(row, steps.size()), messages = message.read_text(row, steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (!cut_ || steps[i] <= *cut_) take({steps[i], times[i], std::move(kinds[i]), std::move(messages[i])});
    }
  }
}

}  // namespace talweg::io
