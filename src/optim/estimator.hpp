// SPDX-License-Identifier: Apache-2.0
// The gradient estimate of a first-order method: minibatch gradient, SVRG, ...
#pragma once

#include <optional>
#include <vector>

#include "talweg/method.hpp"

namespace talweg::optim {

/// This step's estimate, as one affine request.
struct Estimate {
  GradientRequest request;
  // Slots that receive a copy once the step can no longer fail: of the estimate, and of the point where it was taken. Recursive
  // estimators (SARAH) keep g_{t-1} and x_{t-1} in this way.
  std::optional<Vector> keep_gradient{};
  std::optional<Vector> keep_point{};
  std::vector<Temporary> temporaries{};  // that the request names: they live until the step is over
};

class Estimator {
 public:
  virtual ~Estimator() = default;
  virtual void declare(math::StateLayout&, const math::ParameterLayout&) const {}
  /// Only the plain minibatch allows batches that change: other estimators count in passes of one batch size.
  [[nodiscard]] virtual Needs needs() const { return {Need::constant_batch}; }
  /// Of step number point.step.
  [[nodiscard]] virtual Cost cost(const CostPoint& point) const { return {.gradients = point.batch}; }
  /// Refreshes the estimator's memory (snapshots) and returns this step's estimate. It may write its own vectors, never x, and
  /// only such that a step that was cut off gives the same bits when it is done again. Numbers are put back for it then.
  virtual Estimate estimate(StepContext&) const = 0;
  /// Called after the step, with the new x. For state that only a finished step may write (sums of iterates).
  virtual void finish(StepContext&) const {}
};

}  // namespace talweg::optim
