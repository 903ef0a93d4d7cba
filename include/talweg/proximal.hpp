// SPDX-License-Identifier: Apache-2.0
// The prox of a function h: x <- argmin_u h(u) + sum_j (u_j - x_j)^2 / (2 step_j). h has a separable part, whose prox works on
// a block at a time, and may have a part that couples coordinates, whose prox is applied after it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "talweg/layout.hpp"

namespace talweg::math {

/// The part of h that is no sum over coordinates:
///   inputs    size sqrt(elements) |column|_2, summed over the columns of each weight matrix [out, in]. A column holds all
///             weights that read one input: a feature, or a unit of the layer below
///   outputs   size sqrt(elements) |row|_2, summed over the rows. A row holds all weights into one output or unit
///   all       the indicator of |x|_2 <= size
/// Every element of a tensor with one dimension is a group of its own. The prox comes after that of l1 and of a cone (Yu 2013).
struct Coupling {
  enum class Of : std::uint8_t { inputs, outputs, all };
  Of of = Of::all;
  double size = 0;
  std::vector<bool> acts_on;  // by tensor
};

class Proximal {
 public:
  virtual ~Proximal() = default;
  /// Of the separable part, in place; `step` has one entry per element (the rule's own metric).
  virtual void apply(const Block&, std::span<float> x, std::span<const float> step) const = 0;
  virtual void apply(const Block&, std::span<double> x, std::span<const double> step) const = 0;
  /// The weight of |x_j| on this block, for methods that take h_j = weight |x_j| and nothing else (Needs::l1_omega).
  [[nodiscard]] virtual double l1(const Block&) const { return 0; }
  /// Null if h is separable.
  [[nodiscard]] virtual const Coupling* coupling() const { return nullptr; }
};

}  // namespace talweg::math
