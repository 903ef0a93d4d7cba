// SPDX-License-Identifier: Apache-2.0
// Several runs side by side: their traces, read once.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "talweg/base/log.hpp"
#include "talweg/io/trace.hpp"

namespace talweg::control {

struct ComparedRun {
  std::string name;
  std::filesystem::path path;
  io::Trace trace;
};

/// One row per run: method, steps, final and best objective, last figures, gradient evaluations, seconds.
std::string compare_table(const std::vector<ComparedRun>& runs);
nlohmann::ordered_json compare_json(const std::vector<ComparedRun>& runs);

/// "run,<x>,series,value" lines: the loss of every step, and every figure of every evaluation that was measured.
std::string compare_csv(const std::vector<ComparedRun>& runs, const std::string& x);

/// What the axis `x` (step, epoch, examples, gradients, seconds) shows at `step` of a run. Between rows it is interpolated.
double axis_value(const io::Trace& trace, const std::string& x, double step);

/// Draws the runs into `output` (.png, .svg) with scripts/plot_trace.py. Error(input_missing) when the script, python3, h5py or
/// matplotlib is not there; Error(io) when the script failed.
void plot(const std::vector<ComparedRun>& runs, const std::string& x, const std::filesystem::path& output);

}  // namespace talweg::control
