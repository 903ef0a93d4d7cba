// SPDX-License-Identifier: Apache-2.0
// Several runs side by side: their traces, read once.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "io/trace_reader.hpp"
#include "talweg/log.hpp"

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
/// A field of CSV, quoted where RFC 4180 wants it.
std::string csv_field(const std::string& text);
std::string compare_csv(const std::vector<ComparedRun>& runs, const std::string& x);

/// What the axis `x` (step, epoch, examples, gradients, seconds) shows at `step` of a run. Between rows it is interpolated.
double axis_value(const io::Trace& trace, const std::string& x, double step);

/// A run beside what is proven of it, at the steps that were evaluated. NaN where nothing is proven.
struct TheoryCurves {
  std::string run;
  std::string bound_text;  // in symbols, with its source; or why there is none
  std::vector<double> step;
  std::vector<double> gap;    // F - F*
  std::vector<double> bound;  // never less than the gap, if the theorem and the program are right
  std::vector<double> lower;  // never more than the gap
};
/// Error(usage) for a run of no problem whose least value is known.
TheoryCurves theory_of(const ComparedRun& run);
std::string theory_table(const std::vector<TheoryCurves>& all);
nlohmann::ordered_json theory_json(const std::vector<TheoryCurves>& all);
/// "run,<x>,series,value" lines of the series gap, bound and lower_bound.
std::string theory_csv(const std::vector<ComparedRun>& runs, const std::vector<TheoryCurves>& all, const std::string& x);

/// Draws the runs into `output` (.png, .svg) with scripts/plot_trace.py. Error(input_missing) when the script, python3, h5py or
/// matplotlib is not there; Error(io) when the script failed.
/// `theory`: what theory_csv() gives, drawn in the place of the losses; "": nothing.
void plot(const std::vector<ComparedRun>& runs, const std::string& x, const std::filesystem::path& output,
          const std::string& theory = "");

}  // namespace talweg::control
