// SPDX-License-Identifier: Apache-2.0
// Elementwise work on vectors, a block at a time, in either precision. This is how methods work on numbers: they name vectors
// by handle and pass a kernel; the engine runs it on the blocks each rank owns, in parallel, with the same bits everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "talweg/layout.hpp"

namespace talweg::math {

/// Up to four sums over the elements of a block (dots, squared norms), in double. Block sums are added in block order.
using Sums = std::array<double, 4>;

/// The largest number of vectors of a kernel.
inline constexpr std::size_t kMostArrays = 40;

/// The same block of several vectors. arrays[k][i] is element i of the k-th named vector's block.
template <class Real>
struct Arrays {
  std::span<Real* const> data;
  std::size_t count = 0;
  [[nodiscard]] std::span<Real> operator[](std::size_t k) const { return {data[k], count}; }
};

class BlockKernel {
 public:
  virtual ~BlockKernel() = default;
  virtual Sums run(const Block&, Arrays<float>) const = 0;
  virtual Sums run(const Block&, Arrays<double>) const = 0;
  /// False if it has no sums; then the ranks need no collective for them.
  [[nodiscard]] virtual bool sums() const { return true; }
};

/// A BlockKernel from a generic callable `Sums f(const Block&, Arrays<Real>)` (or one returning void: no sums).
template <class F>
class GenericKernel final : public BlockKernel {
 public:
  explicit GenericKernel(F f) : f_(std::move(f)) {}
  Sums run(const Block& block, Arrays<float> arrays) const override { return call(block, arrays); }
  Sums run(const Block& block, Arrays<double> arrays) const override { return call(block, arrays); }
  [[nodiscard]] bool sums() const override {
    return !std::is_void_v<std::invoke_result_t<const F&, const Block&, Arrays<double>>>;
  }

 private:
  template <class Real>
  Sums call(const Block& block, Arrays<Real> arrays) const {
    if constexpr (std::is_void_v<decltype(f_(block, arrays))>) {
      f_(block, arrays);
      return {};
    } else {
      return f_(block, arrays);
    }
  }
  F f_;
};

template <class F>
GenericKernel<F> block_kernel(F f) {
  return GenericKernel<F>(std::move(f));
}

}  // namespace talweg::math
