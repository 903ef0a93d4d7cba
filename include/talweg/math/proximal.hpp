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
};

}  // namespace talweg::math
