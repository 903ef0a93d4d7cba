// SPDX-License-Identifier: Apache-2.0
// Which vector a first-order method follows: minibatch gradient, SVRG, ...
#pragma once

#include <optional>
#include <vector>

#include "talweg/method.hpp"

namespace talweg::optim {

/// This step's estimate, as one affine request.
struct Estimate {
  GradientRequest request;
  // Slots that get a copy once the step is sure: of the estimate itself, and of the point it was taken at. Recursive
  // estimators (SARAH) ask for g_{t-1} and x_{t-1} so.
  std::optional<Vector> keep_gradient{};
  std::optional<Vector> keep_point{};
  std::vector<Temporary> temporaries{};  // that the request names: they live until the step is over
};

class Estimator {
 public:
  virtual ~Estimator() = default;
  virtual void declare(math::StateLayout&, const math::ParameterLayout&) const {}
  /// The minibatch itself alone goes with batches that grow: others count in passes of one batch size.
  [[nodiscard]] virtual Needs needs() const { return {Need::constant_batch}; }
  /// Of step number point.step.
  [[nodiscard]] virtual Cost cost(const CostPoint& point) const { return {.gradients = point.batch}; }
  /// Refreshes what the estimator keeps (snapshots) and says what this step's estimate is. It may write its own vectors, never
  /// x, and only so that doing it again, were the step cut off, gives the same bits. Numbers are put back then.
  virtual Estimate estimate(StepContext&) const = 0;
  /// After the step: x is the new point. For what only a finished step may write (sums of iterates).
  virtual void finish(StepContext&) const {}
};

}  // namespace talweg::optim
