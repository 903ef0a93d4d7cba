// SPDX-License-Identifier: Apache-2.0
#include "io/trace_file.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "io/trace_columns.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

using h5::Number;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

Number number_of(const StepColumn& column) {
  return std::holds_alternative<double StepRow::*>(column.field) ? Number::float64 : Number::int64;
}

void describe(h5::Dataset& dataset, const std::string& units, const std::string& long_name) {
  dataset.attributes().set("units", units);
  dataset.attributes().set("long_name", long_name);
}

std::string words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

/// The first of a group's data sets is the coordinate of all.
void follow(h5::Dataset& dataset, h5::Dataset& scale) {
  if (&dataset == &scale) {
    scale.make_scale("step");
  } else {
    dataset.attach_scale(scale);
  }
}

}  // namespace

TraceFile::TraceFile(h5::Group root, const TraceAttributes& attributes, const TraceShape& shape, std::int64_t generation) {
  h5::Attributes facts = root.attributes();
  facts.set("format", "talweg trace");
  facts.set("format_version", kTraceVersion);
  facts.set("rows_generation", generation);
  for (const auto& attribute : attributes) {
    std::visit([&](const auto& value) { facts.set(attribute.first, value); }, attribute.second);
  }
  h5::Group timing = root.create_group("timing");
  steps_.reserve(kStepColumns.size());
  for (const StepColumn& column : kStepColumns) {
    steps_.emplace_back(column.timing ? timing : root, column.name, number_of(column), shape.steps);
    describe(steps_.back().dataset(), column.units, column.long_name);
    follow(steps_.back().dataset(), steps_.front().dataset());
  }

  h5::Group evaluation = root.create_group("evaluation");
  evaluation_.reserve(3 + shape.figures.size());
  const auto figure = [&](const std::string& name, Number number) {
    h5::Dataset& dataset = evaluation_.emplace_back(name, Column(evaluation, name, number, shape.evaluations)).second.dataset();
    describe(dataset, name == "seconds" ? "s" : "1", words(name));
    follow(dataset, evaluation_.front().second.dataset());
  };
  figure("step", Number::int64);
  figure("seconds", Number::float64);
  figure("gradient_evaluations", Number::int64);
  for (const std::string& name : shape.figures) figure(name, Number::float64);

  h5::Group events = root.create_group("events");
  const auto described = [&](h5::Dataset& dataset, const char* units, const char* long_name) {
    describe(dataset, units, long_name);
    follow(dataset, events_.front().dataset());
  };
  events_.reserve(2);
  texts_.reserve(2);
  described(events_.emplace_back(events, "step", Number::int64, shape.events).dataset(), "1", "method steps taken");
  described(events_.emplace_back(events, "seconds", Number::float64, shape.events).dataset(), "s",
            "wall time since the run began, over all its parts");
  described(texts_.emplace_back(events, "kind", shape.events, shape.kind_bytes).dataset(), "1", "what happened");
  described(texts_.emplace_back(events, "message", shape.events, shape.message_bytes).dataset(), "1", "in words");
}

void TraceFile::copy(const PublishedTrace& from, const std::function<void()>& between) {
  const h5::Group root = from.root(), timing = root.group("timing"), evaluation = root.group("evaluation");
  for (std::size_t i = 0; i < kStepColumns.size(); ++i) {
    const StepColumn& column = kStepColumns[i];
    steps_[i].copy((column.timing ? timing : root).dataset(column.name), from.steps(), from.check(), between);
  }
  for (auto& [name, column] : evaluation_) {
    if (evaluation.has(name)) {
      column.copy(evaluation.dataset(name), from.evaluations(), from.check(), between);
    } else {
      for (std::size_t i = 0; i < from.evaluations(); ++i) column.append(kMissing);
    }
  }
  from.events([this](const TraceEvent& event) { add(event); });
}

void TraceFile::append(const TraceRecord& record) {
  std::visit([this](const auto& row) { add(row); }, record);
}

void TraceFile::add(const StepRow& row) {
  for (std::size_t i = 0; i < kStepColumns.size(); ++i) {
    std::visit([&](auto field) { steps_[i].append(row.*field); }, kStepColumns[i].field);
  }
}

void TraceFile::add(const EvaluationRow& row) {
  for (auto& [name, column] : evaluation_) {
    if (name == "step") {
      column.append(row.step);
    } else if (name == "seconds") {
      column.append(row.seconds);
    } else if (name == "gradient_evaluations") {
      column.append(row.gradient_evaluations);
    } else {
      const auto found = std::ranges::find(row.figures, name, &std::pair<std::string, double>::first);
      column.append(found == row.figures.end() ? kMissing : found->second);
    }
  }
}

void TraceFile::add(const TraceEvent& event) {
  events_[0].append(event.step);
  events_[1].append(event.seconds);
  texts_[0].append(event.kind);
  texts_[1].append(event.message);
}

void TraceFile::finish() {
  for (Column& column : steps_) column.finish();
  for (auto& [name, column] : evaluation_) column.finish();
  for (Column& column : events_) column.finish();
  for (TextColumn& column : texts_) column.finish();
}

}  // namespace talweg::io
