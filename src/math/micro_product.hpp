// SPDX-License-Identifier: Apache-2.0
// The innermost loops of all dense products: a few rows by two vectors of columns, held in registers while the summed index
// runs. Each element is one chain c = fma(a, b, c) in the order of that index.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "math/simd.hpp"

namespace talweg::math {

/// The left side: element (row r, index i) is at a[r * RowStep + (i / chunk) * chunk_step + (i % chunk) * index_step].
template <class Real>
struct Left {
  const Real* a = nullptr;
  std::size_t index_step = 0;
  std::size_t chunk = 0;
  std::size_t chunk_step = 0;
};

/// The right side: element (index i, column j) is at b[i * step + j].
template <class Real>
struct Right {
  const Real* b = nullptr;
  std::size_t step = 0;
};

/// c [Rows, Vectors * width], rows c_step apart, = (add ? c : 0) + sum over i < count of left(r, i) right(i, j).
/// When Partial, only the first `columns` columns of the right side are there to be read; the others count as 0.
template <class Real, std::size_t Rows, std::size_t Vectors, std::size_t RowStep, bool Partial>
void micro_product(std::size_t count, Left<Real> left, Right<Real> right, std::size_t columns, bool add, Real* c,
                   std::size_t c_step) {
  using S = Simd<Real>;
  typename S::Vector sum[Rows][Vectors];  // a plain array: the compiler keeps it in registers
  for (std::size_t r = 0; r < Rows; ++r) {
    for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = add ? S::load(c + r * c_step + v * S::kWidth) : S::zero();
  }
  for (; count > 0; left.a += left.chunk_step) {
    const std::size_t now = std::min(count, left.chunk);
    count -= now;
    const Real* a = left.a;
    for (std::size_t i = 0; i < now; ++i) {
      typename S::Vector b[Vectors];
      for (std::size_t v = 0; v < Vectors; ++v) {
        b[v] = Partial ? S::load_first(right.b + v * S::kWidth, columns) : S::load(right.b + v * S::kWidth);
      }
#pragma GCC unroll 16
      for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = S::fma(a[r * RowStep], b[v], sum[r][v]);
      }
      a += left.index_step;
      right.b += right.step;
    }
  }
  for (std::size_t r = 0; r < Rows; ++r) {
    for (std::size_t v = 0; v < Vectors; ++v) S::store(c + r * c_step + v * S::kWidth, sum[r][v]);
  }
}

template <class Real>
using MicroProduct = void (*)(std::size_t count, Left<Real> left, Right<Real> right, std::size_t columns, bool add, Real* c,
                              std::size_t c_step);

/// The loop for `rows` in [1, kPanel].
template <class Real, std::size_t Vectors, std::size_t RowStep, bool Partial = false>
MicroProduct<Real> micro_product_for(std::size_t rows) {
  static constexpr auto table = []<std::size_t... R>(std::index_sequence<R...>) {
    return std::array<MicroProduct<Real>, sizeof...(R)>{&micro_product<Real, R + 1, Vectors, RowStep, Partial>...};
  }
  (std::make_index_sequence<Simd<Real>::kPanel>());
  return table[rows - 1];
}

}  // namespace talweg::math
