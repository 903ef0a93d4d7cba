// SPDX-License-Identifier: Apache-2.0
// Clipping of a gradient estimate, as TensorFlow's four clip functions do it:
//   clip_value          every element into [-c, c]
//   clip_norm           each tensor scaled to norm c where it is longer
//   clip_global_norm    the whole gradient scaled to norm c where it is longer
//   clip_average_norm   each tensor scaled so that norm / elements is at most c
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "talweg/config.hpp"
#include "talweg/layout.hpp"
#include "talweg/method.hpp"
#include "talweg/vector_space.hpp"

namespace talweg::optim {

enum class Clip : std::uint8_t { none, value, norm, global_norm, average_norm };

struct Clipping {
  Clip by = Clip::none;
  double limit = 0;
  [[nodiscard]] Grain grain() const {
    if (by == Clip::global_norm) return Grain::global;
    return by == Clip::norm || by == Clip::average_norm ? Grain::tensor : Grain::element;
  }
  [[nodiscard]] bool wants_norms() const { return grain() != Grain::element; }
};

/// [method] clip_value, clip_norm, clip_global_norm, clip_average_norm: one of them at most.
Clipping parse_clipping(const base::Section& method);

/// Clipping of a gradient whose norms are known.
class Clipped {
 public:
  Clipped() = default;
  Clipped(const Clipping& clipping, const VectorSpace& space, double squared_norm);
  [[nodiscard]] bool binds() const { return limit_ > 0 || !scales_.empty(); }
  template <class Real>
  void apply(const math::Block& block, std::span<Real> g) const {
    if (limit_ > 0) {
      const Real limit = static_cast<Real>(limit_);
      for (Real& v : g) v = v > limit ? limit : v < -limit ? -limit : v;
    }
    if (!scales_.empty() && scales_[block.tensor] != 1) {
      const Real scale = static_cast<Real>(scales_[block.tensor]);
      for (Real& v : g) v *= scale;
    }
  }

 private:
  double limit_ = 0;            // of an element; 0: none
  std::vector<double> scales_;  // [tensors]; empty: none
};

}  // namespace talweg::optim
