// SPDX-License-Identifier: Apache-2.0
// A leaf's activations and deltas. Products with weights want them feature-major, [features, lanes], the examples of the leaf
// side by side (math/panels.hpp); sums of outer products want them example-major, [count, row_step].
#pragma once

#include "model/network.hpp"
#include "talweg/math/panels.hpp"
#include "talweg/math/transpose.hpp"

namespace talweg::model {

template <class Real>
struct Network<Real>::NetworkTape final : public Tape<Real> {
  explicit NetworkTape(std::size_t layer_count) : layers(layer_count) {}

  const data::Examples<Real>* examples = nullptr;
  math::Buffer<Real> x;  // the features [inputs(0), lanes], unless sparse or not needed
  std::vector<Layer> layers;
  math::Buffer<Real> rows;  // scratch [count, width]

  [[nodiscard]] std::size_t count() const { return examples->count; }
  [[nodiscard]] std::size_t lanes() const { return math::padded_lanes(examples->count); }
  /// Row step of example-major arrays: an odd number of cache lines, so that a column's elements do not share a cache set.
  [[nodiscard]] static std::size_t row_step(std::size_t width) {
    constexpr std::size_t kLine = 64 / sizeof(Real);
    return ((width + kLine - 1) / kLine | 1) * kLine;
  }
  /// to [count, row_step(width)] = from [width, lanes] transposed.
  void to_rows(std::size_t width, const Real* from, math::Buffer<Real>& to) const {
    to.resize(count() * row_step(width));
    math::transpose(width, count(), from, lanes(), to.data(), row_step(width));
  }
  /// to [width, lanes] = from [count, step] transposed; lanes beyond the examples are 0.
  void to_lanes(std::size_t width, const Real* from, std::size_t step, math::Buffer<Real>& to) const {
    to.resize(width * lanes());
    if (lanes() != count()) {
      for (std::size_t j = 0; j < width; ++j) std::fill_n(to.data() + j * lanes() + count(), lanes() - count(), Real{0});
    }
    math::transpose(count(), width, from, step, to.data(), lanes());
  }
};

}  // namespace talweg::model
