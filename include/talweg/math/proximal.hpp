// SPDX-License-Identifier: Apache-2.0
// The prox of a separable function, a block at a time: x_j <- argmin_u h_j(u) + (u - x_j)^2 / (2 step_j).
#pragma once

#include <span>

#include "talweg/math/layout.hpp"

namespace talweg::math {

class Proximal {
 public:
  virtual ~Proximal() = default;
  /// In place; `step` has one entry per element (the rule's own metric).
  virtual void apply(const Block&, std::span<float> x, std::span<const float> step) const = 0;
  virtual void apply(const Block&, std::span<double> x, std::span<const double> step) const = 0;
  /// The weight of |x_j| on this block, for methods that take h_j = weight |x_j| and nothing else (Needs::l1_omega).
  [[nodiscard]] virtual double l1(const Block&) const { return 0; }
};

}  // namespace talweg::math
