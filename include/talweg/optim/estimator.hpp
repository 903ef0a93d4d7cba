// SPDX-License-Identifier: Apache-2.0
// Which vector a first-order method follows: minibatch gradient, SVRG, ...
#pragma once

#include "talweg/optim/method.hpp"

namespace talweg::optim {

class Estimator {
 public:
  virtual ~Estimator() = default;
  virtual void declare(math::StateLayout&) const {}
  /// Refreshes what the estimator keeps (snapshots) and says what this step's estimate is, as one affine request.
  /// It may write its own slots, never x. If the step is cut off after it, doing it again must give the same bits.
  virtual GradientRequest estimate(StepContext&) const = 0;
};

}  // namespace talweg::optim
