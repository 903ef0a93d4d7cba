// SPDX-License-Identifier: Apache-2.0
// Writes a trace.h5: first an earlier one, copied in parts, then newer records row by row. It is never in memory as a whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "h5/group.hpp"
#include "io/column.hpp"
#include "io/published_trace.hpp"
#include "io/trace_record.hpp"

namespace talweg::io {

/// The file being written.
class TraceFile {
 public:
  TraceFile(h5::Group root, const TraceAttributes& attributes, const TraceShape& shape, std::int64_t generation);

  /// Must come before any other rows; `between` is called many times.
  void copy(const PublishedTrace& from, const std::function<void()>& between);
  void append(const TraceRecord& record);
  /// After the last.
  void finish();

 private:
  void add(const StepRow& row);
  void add(const EvaluationRow& row);
  void add(const TraceEvent& event);

  std::vector<Column> steps_;                               // as kStepColumns
  std::vector<std::pair<std::string, Column>> evaluation_;  // step, seconds, gradient_evaluations, then the figures
  std::vector<Column> events_;                              // step, seconds
  std::vector<TextColumn> texts_;                           // kind, message
};

}  // namespace talweg::io
