// SPDX-License-Identifier: Apache-2.0
// The shape of most first-order methods:
//   g_t   = estimate(x_{t-1})                       minibatch, SVRG, ...
//   g_t   = g_t min(1, clip_global_norm / |g_t|)    when asked for
//   x_t   = rule(x_{t-1}, g_t)                      SGD, Adam, ...
//   x_t   = prox(x_t)                               when Omega is not smooth, in the rule's own metric
// Without clipping, rule and prox run on each block of the gradient as it is finished.
#pragma once

#include <memory>
#include <vector>

#include "talweg/optim/estimator.hpp"
#include "talweg/optim/update_rule.hpp"

namespace talweg::optim {

class FirstOrder final : public Method {
 public:
  /// `clip` 0: off.
  FirstOrder(std::unique_ptr<Estimator> estimator, std::unique_ptr<UpdateRule> rule, double clip)
      : estimator_(std::move(estimator)), rule_(std::move(rule)), clip_(clip) {}
  void declare(math::StateLayout& layout) const override;
  StepReport step(StepContext& context) const override;

 private:
  std::unique_ptr<Estimator> estimator_;
  std::unique_ptr<UpdateRule> rule_;
  double clip_;
};

/// The minibatch gradient itself.
std::unique_ptr<Estimator> minibatch();

}  // namespace talweg::optim
