// SPDX-License-Identifier: Apache-2.0
// Runs of problems with known answers, against what theorems say about them.
#pragma once

#include <string>
#include <vector>

#include "inspect/compare.hpp"

namespace talweg::control {

/// A run at the steps that were evaluated. NaN where no theorem applies.
struct TheoryCurves {
  std::string run;
  std::string bound_text;  // in symbols, with its source; or why there is none
  std::vector<double> step;
  std::vector<double> gap;    // F - F*
  std::vector<double> bound;  // never below the gap, if theorem and program are right
  std::vector<double> lower;  // never above the gap
};
/// Error(usage) for a run of a problem whose least value is not known.
TheoryCurves theory_of(const inspect::ComparedRun& run);
std::string theory_table(const std::vector<TheoryCurves>& all);
std::string theory_json(const std::vector<TheoryCurves>& all);
/// "run,<x>,series,value" lines of the series gap, bound and lower_bound.
std::string theory_csv(const std::vector<inspect::ComparedRun>& runs, const std::vector<TheoryCurves>& all,
                       const std::string& x);

}  // namespace talweg::control
