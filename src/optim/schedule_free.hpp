// SPDX-License-Identifier: Apache-2.0
// What the schedule-free rules share (Defazio et al. 2024):
//   x_t = (1 - c_t) x_{t-1} + c_t z_t,  y_t = (1 - beta) z_t + beta x_t,  c_t = w_t / (w_1 + ... + w_t),
//   w_t = t^averaging_power (largest rate so far)^weight_lr_power
// Gradients are taken at y, which is the slot "x"; schedule_free.average holds x, the output.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "talweg/config.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {

class ScheduleFree {
 public:
  explicit ScheduleFree(const base::Section& s)
      : averaging_power_(s.number("averaging_power", 0.0, base::Range::non_negative(), "later points weigh t^this times more")),
        weight_lr_power_(s.number("weight_lr_power", 2.0, base::Range::non_negative(),
                                  "points weigh as much as the largest rate so far to this power")) {}
  void declare(math::StateLayout& slots) const {
    slots.vector("schedule_free.z", math::Initial::x0());
    slots.vector(std::string(kAverage), math::Initial::x0());
    slots.scalar("schedule_free.weights");
    slots.scalar("schedule_free.largest_rate");
  }
  static constexpr std::string_view kAverage = "schedule_free.average";

  /// c_t, once a step.
  double share(math::State& state, std::int64_t t, double rate) const {
    double& largest = state.scalar("schedule_free.largest_rate");
    double& weights = state.scalar("schedule_free.weights");
    largest = std::max(largest, rate);
    const double weight = std::pow(static_cast<double>(t), averaging_power_) * std::pow(largest, weight_lr_power_);
    weights += weight;
    return weights > 0 ? weight / weights : 0;
  }

  /// After z's step: x and y of a block.
  template <class Real>
  static void average(std::size_t count, double share, double beta, const Real* z, Real* x, Real* y) {
    const auto [c, kept, rest] = RuleBlock<Real>::real(share, beta, 1 - beta);
    for (std::size_t i = 0; i < count; ++i) {
      x[i] += c * (z[i] - x[i]);
      y[i] = rest * z[i] + kept * x[i];
    }
  }

 private:
  double averaging_power_;
  double weight_lr_power_;
};

}  // namespace talweg::optim
