// SPDX-License-Identifier: Apache-2.0
// All rows of a trace in memory, and their HDF5 file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "io/column.hpp"
#include "io/trace_columns.hpp"
#include "io/trace_rows.hpp"
#include "talweg/h5/image.hpp"
#include "talweg/io/trace.hpp"

namespace talweg::io {

constexpr std::int64_t kTraceVersion = 1;

class TraceTable {
 public:
  TraceTable(TraceAttributes attributes, const std::vector<std::string>& figures);
  /// The rows of `trace`; `attributes` beside its own, and figures beside its own.
  TraceTable(const Trace& trace, const TraceAttributes& attributes, const std::vector<std::string>& figures);

  void append(const TraceRecord& record);

  /// trace.h5 with all rows, as publication `generation`. `name` is for messages.
  h5::Image image(const std::string& name, std::int64_t generation);

 private:
  void add(const StepRow& row);
  void add(const EvaluationRow& row);
  void add(const TraceEvent& event);
  Column& figure(const std::string& name);  // made of NaN if it is new

  TraceAttributes attributes_;
  std::vector<Column> steps_;                               // as kStepColumns
  std::vector<std::pair<std::string, Column>> evaluation_;  // step, seconds, gradient_evaluations, then the figures
  std::vector<TraceEvent> events_;
  std::size_t image_bytes_ = 0;  // of the last one
};

}  // namespace talweg::io
