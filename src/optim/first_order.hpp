// SPDX-License-Identifier: Apache-2.0
// The shape of most first-order methods:
//   g_t   = estimate(x_{t-1})        minibatch, SVRG, ...
//   g_t   = clip(g_t)                when asked for
//   g_t   = g_t + noise            when asked for
//   x_t   = rule(x_{t-1}, g_t)       SGD, Adam, ...; the prox of a non-smooth Omega within, in the rule's own metric
//   averages of the x_t, lookahead   when asked for
// With accumulate = k only every k-th step moves x, on the mean of k estimates; the others add theirs.
// With an element rule and no norm to be known first, all of it runs on each block of the gradient as it is finished.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "optim/averaging.hpp"
#include "optim/clipping.hpp"
#include "optim/estimator.hpp"
#include "optim/noise.hpp"
#include "optim/step_size.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {

/// What stands around a rule.
struct Surroundings {
  Clipping clipping;
  double weight_decay = 0;      // decoupled: x_{t-1} (1 - lr weight_decay) instead of x_{t-1}
  std::int64_t accumulate = 1;  // the rule steps on the mean of the last so many estimates, each of one step
  Averaging averaging;
  StepSize lr;  // in what the rule's lr is counted
  Noise noise{};
};

class FirstOrder final : public Method {
 public:
  FirstOrder(std::unique_ptr<Estimator> estimator, std::unique_ptr<UpdateRule> rule, const Surroundings& around);
  [[nodiscard]] Needs needs() const override {
    return rule_->needs() | estimator_->needs() | around_.lr.needs() | around_.noise.needs();
  }
  void declare(math::StateLayout&, const math::ParameterLayout&) const override;
  [[nodiscard]] Grain grain() const override { return std::max(rule_->grain(), around_.clipping.grain()); }
  [[nodiscard]] Cost cost(const CostPoint& point) const override;
  [[nodiscard]] std::string_view output() const override {
    return around_.averaging.averages() ? Averaging::kSlot : rule_->output();
  }
  /// Whether only the slots of the rule carry over from one step to the next.
  [[nodiscard]] bool is_stateless() const;
  StepReport advance(StepContext&) const override;

 private:
  std::unique_ptr<Estimator> estimator_;
  std::unique_ptr<UpdateRule> rule_;
  std::vector<std::string> slots_;  // the rule's vectors
  Surroundings around_;
};

/// The minibatch gradient itself.
std::unique_ptr<Estimator> minibatch();

}  // namespace talweg::optim
