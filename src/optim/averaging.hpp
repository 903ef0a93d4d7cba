// SPDX-License-Identifier: Apache-2.0
// Averages of the iterates, and lookahead; t counts steps from 1:
//   average = "polyak"              mean of all x_t, t >= average_from                          (Polyak & Juditsky 1992)
//   average = "stochastic_weight"   the same of every average_every-th x_t                      (Izmailov et al. 2018)
//   average = "exponential"         a = x_t at t = average_from, then a += (1 - d)(x_t - a), d = min(average_decay, (1 + k) /
//                                   (10 + k)), k = t - average_from (TensorFlow's ExponentialMovingAverage with num_updates)
//   average = "random"              one of the x_t, t >= average_from, uniformly: the x_R of theorems about a non-convex F
//                                   (which draw from x_0 ... x_{T-1}, where gradients were taken: one step earlier). Step t
//                                   replaces it by x_t with probability 1 / (1 + t - average_from)
//   lookahead = k                   every k steps: s += lookahead_alpha (x_t - s), x_t = s      (Zhang et al. 2019)
// The average is the method's output; gradients go on being taken at x.
#pragma once

#include <optional>
#include <string_view>

#include "talweg/config.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {

class Averaging {
 public:
  Averaging() = default;
  /// [method] average and its keys; unless only `outputs` are wanted, lookahead and its keys.
  explicit Averaging(const base::Section& method, bool outputs = false);
  [[nodiscard]] bool looks_ahead() const { return lookahead_ > 0; }
  [[nodiscard]] bool averages() const { return kind_ != Kind::none; }
  void declare(math::StateLayout&) const;
  /// After step t. `source` names the slot that is averaged. Returns |x_t|^2 where x was moved.
  std::optional<double> apply(StepContext&, std::int64_t t, std::string_view source) const;
  static constexpr std::string_view kSlot = "average";

 private:
  enum class Kind { none, polyak, stochastic_weight, exponential, random };
  /// Weight of x_t in the average of step t.
  [[nodiscard]] double weight(std::uint64_t seed, std::int64_t t) const;
  Kind kind_ = Kind::none;
  std::int64_t from_ = 1;
  std::int64_t every_ = 1;
  double decay_ = 0;
  std::int64_t lookahead_ = 0;
  double alpha_ = 0;
};

}  // namespace talweg::optim
