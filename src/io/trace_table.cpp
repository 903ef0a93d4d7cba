// SPDX-License-Identifier: Apache-2.0
#include "io/trace_table.hpp"

#include <algorithm>
#include <limits>

#include "talweg/base/error.hpp"
#include "talweg/h5/file.hpp"

namespace talweg::io {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

h5::Number number_of(const StepColumn& column) {
  return std::holds_alternative<double StepRow::*>(column.field) ? h5::Number::float64 : h5::Number::int64;
}

void describe(h5::Dataset& dataset, const std::string& units, const std::string& long_name) {
  dataset.attributes().set("units", units);
  dataset.attributes().set("long_name", long_name);
}

std::string words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

/// `write` makes the data set of column i, whose first is the coordinate of all.
template <class Write>
void write_group(std::size_t count, Write write) {
  h5::Dataset scale = write(std::size_t{0});
  scale.make_scale("step");
  for (std::size_t i = 1; i < count; ++i) write(i).attach_scale(scale);
}

void write_events(h5::Group group, const std::vector<TraceEvent>& events) {
  Column step(h5::Number::int64), seconds(h5::Number::float64);
  std::vector<std::string> kind, message;
  for (const TraceEvent& e : events) {
    step.append(e.step);
    seconds.append(e.seconds);
    kind.push_back(e.kind);
    message.push_back(e.message);
  }
  h5::Dataset scale = step.write(group, "step");
  describe(scale, "1", "method steps taken");
  scale.make_scale("step");
  h5::Dataset when = seconds.write(group, "seconds");
  describe(when, "s", "wall time since the run began, over all its parts");
  when.attach_scale(scale);
  h5::Dataset kinds = group.create_text("kind", kind);
  describe(kinds, "1", "what happened");
  kinds.attach_scale(scale);
  h5::Dataset messages = group.create_text("message", message);
  describe(messages, "1", "in words");
  messages.attach_scale(scale);
}

}  // namespace

TraceTable::TraceTable(TraceAttributes attributes, const std::vector<std::string>& figures)
    : attributes_(std::move(attributes)) {
  for (const StepColumn& column : kStepColumns) steps_.emplace_back(number_of(column));
  evaluation_.emplace_back("step", Column(h5::Number::int64));
  evaluation_.emplace_back("seconds", Column(h5::Number::float64));
  evaluation_.emplace_back("gradient_evaluations", Column(h5::Number::int64));
  for (const std::string& name : figures) figure(name);
}

TraceTable::TraceTable(const Trace& trace, const TraceAttributes& attributes, const std::vector<std::string>& figures)
    : TraceTable(attributes, figures) {
  attributes_.insert(trace.attributes.begin(), trace.attributes.end());
  for (std::size_t i = 0; i < kStepColumns.size(); ++i) {
    for (const double v : (kStepColumns[i].timing ? trace.timing : trace.steps).at(kStepColumns[i].name)) steps_[i].append(v);
  }
  const std::size_t rows = trace.evaluation.at("step").size();
  for (const auto& [name, values] : trace.evaluation) {
    for (const double v : values) figure(name).append(v);
  }
  for (auto& [name, column] : evaluation_) {
    while (column.size() < rows) column.append(kMissing);
  }
  events_ = trace.events;
}

Column& TraceTable::figure(const std::string& name) {
  const auto found = std::ranges::find(evaluation_, name, &std::pair<std::string, Column>::first);
  if (found != evaluation_.end()) return found->second;
  evaluation_.emplace_back(name, Column(h5::Number::float64));
  return evaluation_.back().second;
}

void TraceTable::append(const TraceRecord& record) {
  std::visit([this](const auto& row) { add(row); }, record);
}

void TraceTable::add(const StepRow& row) {
  for (std::size_t i = 0; i < kStepColumns.size(); ++i) {
    std::visit([&](auto field) { steps_[i].append(row.*field); }, kStepColumns[i].field);
  }
}

void TraceTable::add(const EvaluationRow& row) {
  const std::size_t before = evaluation_.front().second.size();
  figure("step").append(row.step);
  figure("seconds").append(row.seconds);
  figure("gradient_evaluations").append(row.gradient_evaluations);
  for (const auto& [name, value] : row.figures) {
    Column& column = figure(name);
    while (column.size() < before) column.append(kMissing);
    if (column.size() == before) column.append(value);
  }
  for (auto& [name, column] : evaluation_) {
    if (column.size() == before) column.append(kMissing);
  }
}

void TraceTable::add(const TraceEvent& event) { events_.push_back(event); }

h5::Image TraceTable::image(const std::string& name, std::int64_t generation) {
  h5::File file = h5::File::create(name, 0, image_bytes_);
  {
    h5::Group root = file.root();
    h5::Attributes facts = root.attributes();
    facts.set("format", "talweg trace");
    facts.set("format_version", kTraceVersion);
    facts.set("rows_generation", generation);
    for (const auto& attribute : attributes_) {
      std::visit([&](const auto& value) { facts.set(attribute.first, value); }, attribute.second);
    }
    h5::Group timing = root.create_group("timing");
    write_group(kStepColumns.size(), [&](std::size_t i) {
      const StepColumn& column = kStepColumns[i];
      h5::Dataset dataset = steps_[i].write(column.timing ? timing : root, column.name);
      describe(dataset, column.units, column.long_name);
      return dataset;
    });
    h5::Group evaluation = root.create_group("evaluation");
    write_group(evaluation_.size(), [&](std::size_t i) {
      auto& [figure, column] = evaluation_[i];
      h5::Dataset dataset = column.write(evaluation, figure);
      describe(dataset, figure == "seconds" ? "s" : "1", words(figure));
      return dataset;
    });
    write_events(root.create_group("events"), events_);
  }
  h5::Image image = file.close();
  image_bytes_ = image.bytes().size();
  return image;
}

}  // namespace talweg::io
