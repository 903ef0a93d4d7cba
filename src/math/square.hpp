// SPDX-License-Identifier: Apache-2.0
// A square of as many vectors as a vector has elements, transposed in registers: in round s = 1, 2, 4, ..., vectors i and i + s
// exchange every second group of s elements.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "math/simd.hpp"

namespace talweg::math {

/// Exchanges b's elements j with a's elements j + Step, for all j without the bit Step.
template <class Real, std::size_t Step>
[[gnu::always_inline]] inline void exchange(typename Simd<Real>::Vector& a, typename Simd<Real>::Vector& b) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  if constexpr (requires { a.size(); }) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      if ((j & Step) == 0) std::swap(a[j + Step], b[j]);
    }
  } else {
    [&]<std::size_t... J>(std::index_sequence<J...>) {
      const auto low = __builtin_shufflevector(a, b, static_cast<int>((J & Step) == 0 ? J : J - Step + kWidth)...);
      const auto high = __builtin_shufflevector(a, b, static_cast<int>((J & Step) == 0 ? J + Step : J + kWidth)...);
      a = low;
      b = high;
    }
    (std::make_index_sequence<kWidth>());
  }
}

template <class Real>
using Square = typename Simd<Real>::Vector[Simd<Real>::kWidth];  // a plain array: the compiler keeps it in registers

template <class Real, std::size_t Step = 1>
[[gnu::always_inline]] inline void transpose_square(Square<Real>& square) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  if constexpr (Step < kWidth) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kWidth; ++i) {
      if ((i & Step) == 0) exchange<Real, Step>(square[i], square[i + Step]);
    }
    transpose_square<Real, 2 * Step>(square);
  }
}

/// out[c * out_step + r] = in[r * in_step + c] for r in [0, rows), c in [0, cols), both at most a square's side.
template <class Real>
void transpose_piece(std::size_t rows, std::size_t cols, const Real* in, std::size_t in_step, Real* out, std::size_t out_step) {
  using S = Simd<Real>;
  if (rows < S::kWidth || cols < S::kWidth) {
    for (std::size_t c = 0; c < cols; ++c) {
      for (std::size_t r = 0; r < rows; ++r) out[c * out_step + r] = in[r * in_step + c];
    }
    return;
  }
  Square<Real> square;
#pragma GCC unroll 16
  for (std::size_t r = 0; r < S::kWidth; ++r) square[r] = S::load(in + r * in_step);
  transpose_square<Real>(square);
#pragma GCC unroll 16
  for (std::size_t c = 0; c < S::kWidth; ++c) S::store(out + c * out_step, square[c]);
}

}  // namespace talweg::math
