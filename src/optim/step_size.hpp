// SPDX-License-Identifier: Apache-2.0
// A step length as a config gives it: a number, "c/L" or "c/L_max".
//   L      Lipschitz constant of the gradient of F's smooth part, over all examples
//   L_max  the largest of one term's, Omega's smooth part included
// Both are computed when a step first needs them, kept in the state (a resumed run has the same number), and metered:
//   linear models   L_max = c max_i (|a_i|^2 + 1) + l2, c the loss's largest curvature (1 squared, 1/4 logistic, 1/2 softmax);
//                   L = the largest eigenvalue of a matrix that no Hessian exceeds: that at x = 0, times K/2 for the softmax of
//                   K classes (Boehning 1992). By Lanczos, its residual added. Huber, for which there is none: c mean_i
//                   (|a_i|^2 + 1) + l2
//   others          L = the largest |eigenvalue| of the Hessian at the point where the run stands: an estimate, since
//                   curvature elsewhere may be larger. L_max: not known
#pragma once

#include <optional>
#include <string_view>

#include "talweg/config.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {

class StepSize {
 public:
  enum class Unit { one, per_smoothness, per_term_smoothness };

  /// "c/L" or "c/L_max"; nothing when it is neither.
  static std::optional<StepSize> parse(std::string_view text);
  /// Reads the key: `fallback` is "0.1", "1/L" or "1/L_max".
  static StepSize read(const base::Section&, std::string_view key, std::string_view fallback, std::string_view meaning);
  /// For a key that a rule then reads as a number: accepts "c/L" there, reads it as c, and remembers the unit.
  static StepSize beside(const base::Section&, std::string_view key);

  [[nodiscard]] double value() const { return value_; }
  [[nodiscard]] Unit unit() const { return unit_; }
  [[nodiscard]] Needs needs() const;
  static void declare(math::StateLayout&);
  [[nodiscard]] Cost cost(const CostPoint&) const;
  /// What one unit is: 1, 1/L or 1/L_max. A step that finds L notes where it comes from.
  double per_unit(StepContext&) const;
  /// The step length, before any schedule.
  double length(StepContext& context) const { return value_ * per_unit(context); }
  /// The step length under the run's schedule.
  double rate(StepContext& context) const { return length(context) * context.progress.factor; }

 private:
  double value_ = 1;
  Unit unit_ = Unit::one;
};

/// L itself, for methods that use it for more than a step length. Needs, cost and state are those of StepSize "1/L".
double smoothness(StepContext&);

}  // namespace talweg::optim
