// SPDX-License-Identifier: Apache-2.0
// The innermost loops of all dense products: a few rows by two vectors of columns, held in registers while the summed index
// runs. Each element is one chain c = fma(a, b, c) in the order of that index.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "math/rows.hpp"
#include "math/simd.hpp"

namespace talweg::math {

/// How the left side lies: element (row r, index i) is at first[r * step + i], or at first[i * step + r].
enum class Left { row_major, index_major };

/// c [RowCount, Vectors * width] = start + sum over i < count of left(r, i) right(i, j). Start rows are read once, before c is
/// written; null: zeros; of step 0: one row for all. When Partial, only the first `columns` columns exist.
template <class Real, std::size_t RowCount, std::size_t Vectors, Left Side, bool Partial>
void micro_product(std::size_t count, Rows<Real> left, Rows<Real> right, std::size_t columns, Rows<Real> start, Real* c,
                   std::size_t c_step) {
  static_assert(!Partial || Vectors == 1);
  using S = Simd<Real>;
  // Prefetch distance: for a right side that does not fit the nearest cache.
  constexpr std::size_t kAhead = 2048 / sizeof(Real);
  const auto load = [&](const Real* p) { return Partial ? S::load_first(p, columns) : S::load(p); };
  typename S::Vector sum[RowCount][Vectors];  // a plain array: the compiler keeps it in registers
  if (start.first == nullptr) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < RowCount; ++r) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = S::zero();
    }
  } else {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < RowCount; ++r) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = load(start.first + r * start.step + v * S::kWidth);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    typename S::Vector b[Vectors];
    for (std::size_t v = 0; v < Vectors; ++v) {
      b[v] = load(right.first + v * S::kWidth);
      __builtin_prefetch(right.first + (Side == Left::row_major ? kAhead : Vectors * S::kWidth) + v * S::kWidth);
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < RowCount; ++r) {
      const Real a = left.first[Side == Left::row_major ? r * left.step : r];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = S::fma(a, b[v], sum[r][v]);
    }
    left.first += Side == Left::row_major ? 1 : left.step;
    right.first += right.step;
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < RowCount; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) {
      Real* to = c + r * c_step + v * S::kWidth;
      Partial ? S::store_first(to, sum[r][v], columns) : S::store(to, sum[r][v]);
    }
  }
}

template <class Real>
using MicroProduct = void (*)(std::size_t count, Rows<Real> left, Rows<Real> right, std::size_t columns, Rows<Real> start,
                              Real* c, std::size_t c_step);

/// The loop for `rows` in [1, kPanel].
template <class Real, std::size_t Vectors, Left Side, bool Partial>
MicroProduct<Real> micro_product_for(std::size_t rows) {
  static constexpr auto table = []<std::size_t... R>(std::index_sequence<R...>) {
    return std::array<MicroProduct<Real>, sizeof...(R)>{&micro_product<Real, R + 1, Vectors, Side, Partial>...};
  }
  (std::make_index_sequence<Simd<Real>::kPanel>());
  return table[rows - 1];
}

/// Columns [first, first + width) of a product, in the pieces that its loops take: two vectors at a time, then one, then the
/// rest.
struct ColumnPanel {
  std::size_t first = 0;
  std::size_t width = 0;
};

template <class Real>
constexpr std::size_t column_panels(std::size_t columns) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  const std::size_t rest = columns % (2 * kWidth);
  return columns / (2 * kWidth) + (rest >= kWidth ? 1 : 0) + (rest % kWidth > 0 ? 1 : 0);
}

template <class Real>
constexpr ColumnPanel column_panel(std::size_t columns, std::size_t number) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  const std::size_t pairs = columns / (2 * kWidth);
  if (number < pairs) return {number * 2 * kWidth, 2 * kWidth};
  const std::size_t first = pairs * 2 * kWidth + (number - pairs) * kWidth;
  return {first, std::min(kWidth, columns - first)};
}

/// The loop for `rows` in [1, kPanel] and a panel's columns.
template <class Real, Left Side>
MicroProduct<Real> micro_product_for(std::size_t rows, std::size_t width) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  if (width == 2 * kWidth) return micro_product_for<Real, 2, Side, false>(rows);
  if (width == kWidth) return micro_product_for<Real, 1, Side, false>(rows);
  return micro_product_for<Real, 1, Side, true>(rows);
}

}  // namespace talweg::math
