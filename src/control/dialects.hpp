// SPDX-License-Identifier: Apache-2.0
// Two dialects of one rule side by side: their recurrences, the map between them if there is one, and how far their
// trajectories differ, step by step, in the closed loop of the golden tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "optim/registry.hpp"

namespace talweg::control {

/// The points of a rule after each of the golden tables' 40 steps, in float64. Closed loop, 12 parameters, lr falling as
/// 1 / (1 + t / 10):
///   g_j = a_j (x_j - c_j) + 0.3 x_{j+1} x_j / (1 + |x_j|) + 0.5 cos(t + 2.7 j)
/// a pure function of step and point (scripts/golden/harness.py), so no file is needed. `method`: the lines of [method].
std::vector<std::vector<double>> golden_trajectory(const std::string& method);

/// How two trajectories differ. Sizes are max_j |x_j - y_j| / max(1, |x_j|).
struct Parting {
  std::string what;       // which hyperparameters
  std::int64_t step = 0;  // the first step with a size above 1e-12; 0: none
  double size = 0;        // at that step
  double largest = 0;     // over all steps
  [[nodiscard]] bool apart() const { return step > 0; }
};

struct DialectDiff {
  std::string method;
  std::string one;
  std::string other;
  std::string one_rule;  // the lines of the entry's rule that apply to this dialect
  std::string other_rule;
  std::string map;
  std::vector<base::Resolved> defaults;  // of `other` where they differ; meaning: what `one` has
  std::vector<Parting> partings;
  std::string refused;  // why `other` does not take the values of `one`
};

/// Error(usage) if one of them is not a dialect of the entry.
DialectDiff dialect_diff(const optim::Entry& entry, std::string_view one, std::string_view other);
std::string to_text(const DialectDiff& diff);
std::string to_json(const DialectDiff& diff);

}  // namespace talweg::control
