// SPDX-License-Identifier: Apache-2.0
// Ends a method whose steps are still accepted where F and its gradient consist of rounding alone: after kSteps steps in a row
// of which none lowered F, or the gradient's norm, below its least value so far.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "optim/ending.hpp"
#include "talweg/state.hpp"

namespace talweg::optim {

class Standstill {
 public:
  /// `name`: of the method.
  explicit Standstill(const std::string& name)
      : value_(name + ".least_value"), gradient_(name + ".least_gradient"), idle_(name + ".idle") {}

  void declare(math::StateLayout& layout) const {
    layout.scalar(value_);
    layout.scalar(gradient_);
    layout.counter(idle_, kNotBegun);
  }

  /// Records the point at which a step begins; true when it is time to stop.
  bool at(math::State& state, double value, double gradient) const {
    double& least_value = state.scalar(value_);
    double& least_gradient = state.scalar(gradient_);
    std::int64_t& idle = state.counter(idle_);
    if (idle == kNotBegun || value < least_value || gradient < least_gradient) {
      least_value = idle == kNotBegun ? value : std::min(value, least_value);
      least_gradient = idle == kNotBegun ? gradient : std::min(gradient, least_gradient);
      idle = 0;
      return false;
    }
    return ++idle >= kSteps;
  }
  static StepReport ends(StepReport report) {
    std::string message = fmt::format(
        "neither F nor its gradient falls any more: rounding allows no progress at |grad F| = {:.3e}", report.gradient_norm);
    return optim::ends(std::move(report), Outcome::stuck, std::move(message));
  }

 private:
  static constexpr std::int64_t kNotBegun = -1;
  static constexpr std::int64_t kSteps = 20;

  std::string value_;
  std::string gradient_;
  std::string idle_;
};

}  // namespace talweg::optim
