// SPDX-License-Identifier: Apache-2.0
// Reads the trace of a run, also while it is being written.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/trace_record.hpp"

namespace talweg::io {

using Columns = std::map<std::string, std::vector<double>>;

/// A trace in memory. Columns have the names of the file: steps["loss"], timing["gradient"], evaluation["valid_loss"].
struct Trace {
  Columns steps;
  Columns timing;  // rows of steps
  Columns evaluation;
  std::vector<TraceEvent> events;
  TraceAttributes attributes;
};

/// Reads trace.h5 and the newer rows of trace.rows. `run_or_file` is a run directory or a trace file. Error(input_missing) or
/// Error(bad_data) naming the file.
Trace read_trace(const std::filesystem::path& run_or_file);

}  // namespace talweg::io
