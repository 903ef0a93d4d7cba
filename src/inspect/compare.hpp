// SPDX-License-Identifier: Apache-2.0
// Several runs side by side: their traces, read once.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/trace_reader.hpp"

namespace talweg::inspect {

struct ComparedRun {
  std::string name;
  std::filesystem::path path;
  io::Trace trace;
};

/// Error(usage) for a path that is neither a run nor a trace.
std::vector<ComparedRun> read_runs(const std::vector<std::string>& paths);

/// One row per run: method, steps, final and best objective, last figures, gradient evaluations, seconds.
std::string compare_table(const std::vector<ComparedRun>& runs);
std::string compare_json(const std::vector<ComparedRun>& runs);
/// "run,<x>,series,value" lines: the loss of every step, and every figure of every evaluation that was measured.
std::string compare_csv(const std::vector<ComparedRun>& runs, const std::string& x);

/// A field of CSV, quoted where RFC 4180 requires it.
std::string csv_field(const std::string& text);
/// The value of axis `x` (step, epoch, examples, gradients, seconds) at `step` of a run, interpolated between rows.
double axis_value(const io::Trace& trace, const std::string& x, double step);

/// Draws the runs into `output` (.png, .svg) with scripts/plot_trace.py. With `curves`, a CSV of "run,<x>,series,value" lines,
/// those are drawn instead of the losses, and the CSV is kept next to the picture. Error(input_missing) when the script, python3,
/// h5py or matplotlib is missing; Error(io) when the script failed.
void plot(const std::vector<ComparedRun>& runs, const std::string& x, const std::filesystem::path& output,
          const std::string& curves = "");

}  // namespace talweg::inspect
