// SPDX-License-Identifier: Apache-2.0
// What the schedule-free rules share (Defazio et al. 2024):
//   x_t = (1 - c_t) x_{t-1} + c_t z_t,  y_t = (1 - beta) z_t + beta x_t,  c_t = w_t / (w_1 + ... + w_t),
//   w_t = t^averaging_power (largest rate so far)^weight_lr_power
// Gradients are taken at y, which is the slot "x"; schedule_free.average holds x, the output.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "talweg/config.hpp"
#include "talweg/state.hpp"

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

  /// Counts step t, of this rate.
  void advance(math::State& state, std::int64_t t, double rate) const {
    double& largest = state.scalar("schedule_free.largest_rate");
    largest = std::max(largest, rate);
    state.scalar("schedule_free.weights") += weight(state, t);
  }

  /// x and y of an element once z has moved, in the step that was counted last.
  template <class Real>
  [[nodiscard]] auto average(math::State& state, std::int64_t t, double beta) const {
    const double weights = state.scalar("schedule_free.weights");
    const double share = weights > 0 ? weight(state, t) / weights : 0;
    return [c = Real(share), kept = Real(beta), rest = Real(1 - beta)](Real z, Real& x, Real& y) {
      x += c * (z - x);
      y = rest * z + kept * x;
    };
  }

 private:
  double weight(math::State& state, std::int64_t t) const {
    return std::pow(static_cast<double>(t), averaging_power_) *
           std::pow(state.scalar("schedule_free.largest_rate"), weight_lr_power_);
  }

  double averaging_power_;
  double weight_lr_power_;
};

}  // namespace talweg::optim
