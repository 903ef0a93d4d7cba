// SPDX-License-Identifier: Apache-2.0
// What is recorded in the training trace of a run directory. The trace is two files: trace.h5, a plain HDF5 file that is
// complete at every moment, and trace.rows, which holds the records since trace.h5 was last written. Layout: FORMAT.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace talweg::io {

/// One method step. Counts and seconds are totals since the run began, over all its parts.
struct StepRow {
  std::int64_t step = 0;
  double epoch = 0;
  std::int64_t examples = 0;
  std::int64_t gradient_evaluations = 0;  // the method's own, per example
  std::int64_t hvp_evaluations = 0;
  std::int64_t value_evaluations = 0;
  std::int64_t evaluation_gradients = 0;  // the observers'
  double seconds = 0;
  double loss = 0;  // batch mean before the step, without Omega
  double gradient_norm = 0;
  double update_norm = 0;
  double parameter_norm = 0;
  double learning_rate = 0;
  std::int64_t part = 0;       // counts resumes
  double timing_gradient = 0;  // seconds of this step, by phase
  double timing_allreduce = 0;
  double timing_update = 0;
  double timing_broadcast = 0;
  double timing_other = 0;
};

/// One evaluation. A missing figure is NaN. A new one gets a new column, with NaN in the earlier rows.
struct EvaluationRow {
  std::int64_t step = 0;
  double seconds = 0;
  std::int64_t gradient_evaluations = 0;
  std::vector<std::pair<std::string, double>> figures;  // name and value
};

struct TraceEvent {
  std::int64_t step = 0;
  double seconds = 0;
  std::string kind;
  std::string message;
};

using TraceRecord = std::variant<StepRow, EvaluationRow, TraceEvent>;
using TraceAttributes = std::map<std::string, std::variant<std::int64_t, std::string>>;

}  // namespace talweg::io
