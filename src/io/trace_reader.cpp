// SPDX-License-Identifier: Apache-2.0
#include "io/trace_reader.hpp"

#include <algorithm>
#include <limits>

#include "h5/file.hpp"
#include "io/published_trace.hpp"
#include "io/read_file.hpp"
#include "io/trace_columns.hpp"
#include "io/trace_rows.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
namespace fs = std::filesystem;

std::vector<double> read_column(const h5::Group& group, const std::string& name, std::size_t rows, const std::string& file) {
  std::vector<double> values = group.dataset(name).read<double>();
  if (values.size() != rows) {
    base::fail(ExitCode::bad_data, "{}: column '{}': found {} rows, expected {} as in its step", file, name, values.size(),
               rows);
  }
  return values;
}

/// Without the rows of trace.rows.
Trace from_file(const h5::Group& root, const std::string& file) {
  Trace trace;
  trace.attributes = attributes_of(root);
  const h5::Group timing = root.group("timing");
  const std::size_t rows = root.dataset("step").size();
  for (const StepColumn& column : kStepColumns) {
    (column.timing ? trace.timing : trace.steps)[column.name] =
        read_column(column.timing ? timing : root, column.name, rows, file);
  }
  const h5::Group evaluation = root.group("evaluation");
  const std::size_t evaluations = evaluation.dataset("step").size();
  for (const std::string& name : evaluation.names()) trace.evaluation[name] = read_column(evaluation, name, evaluations, file);
  const h5::Group events = root.group("events");
  const std::vector<std::string> kind = events.dataset("kind").read_text(), message = events.dataset("message").read_text();
  const std::vector<double> step = read_column(events, "step", kind.size(), file),
                            seconds = read_column(events, "seconds", kind.size(), file);
  if (message.size() != kind.size()) {
    base::fail(ExitCode::bad_data, "{}: column 'message': found {} rows, expected {} as in its step", file, message.size(),
               kind.size());
  }
  for (std::size_t i = 0; i < kind.size(); ++i)
    trace.events.push_back({static_cast<std::int64_t>(step[i]), seconds[i], kind[i], message[i]});
  return trace;
}

void append(Trace& trace, const StepRow& row) {
  for (const StepColumn& column : kStepColumns) {
    std::visit(
        [&](auto field) {
          (column.timing ? trace.timing : trace.steps)[column.name].push_back(static_cast<double>(row.*field));
        },
        column.field);
  }
}

void append(Trace& trace, const EvaluationRow& row) {
  const std::size_t before = trace.evaluation["step"].size();
  trace.evaluation["step"].push_back(static_cast<double>(row.step));
  trace.evaluation["seconds"].push_back(row.seconds);
  trace.evaluation["gradient_evaluations"].push_back(static_cast<double>(row.gradient_evaluations));
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [name, value] : row.figures) {
    std::vector<double>& column = trace.evaluation[name];
    column.resize(std::max(column.size(), before), kMissing);
    if (column.size() == before) column.push_back(value);
  }
  for (auto& [name, column] : trace.evaluation) column.resize(before + 1, kMissing);
}

void append(Trace& trace, const TraceEvent& event) { trace.events.push_back(event); }

}  // namespace

Trace read_trace(const fs::path& run_or_file) {
  std::error_code ignored;
  const fs::path file = fs::is_directory(run_or_file, ignored) ? run_or_file / kTraceFile : run_or_file;
  const fs::path rows_file = file.parent_path() / kRowsFile;
  const auto current_rows = [&] {
    try {
      return read_file(rows_file);
    } catch (const base::Error& e) {
      if (e.code() != ExitCode::input_missing) throw;
      return std::vector<std::byte>();  // a trace.h5 that was copied elsewhere has no trace.rows
    }
  };
  const std::vector<std::byte> rows = current_rows();
  const Descriptor descriptor = open_file(file);
  const h5::File opened = h5::File::open(file.string(), descriptor.get());
  const h5::Group root = opened.root();
  const std::int64_t generation = expect_trace(root, file.string());
  Trace trace = from_file(root, file.string());
  const auto take = [&](const TraceRecord& record) { std::visit([&](const auto& row) { append(trace, row); }, record); };
  const Rows follow{.name = rows_file.string(), .memory = rows};
  if (read_rows(follow, generation, take) > 0) return trace;
  // Either there are none, or a running trainer has replaced trace.h5 meanwhile: then it has those rows, and new ones follow.
  const std::vector<std::byte> later = current_rows();
  read_rows({.name = rows_file.string(), .memory = later}, generation, take);
  return trace;
}

}  // namespace talweg::io
