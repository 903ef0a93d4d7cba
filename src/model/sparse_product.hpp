// SPDX-License-Identifier: Apache-2.0
// Products with sparse rows, in an order that depends on the entries of a row alone.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "talweg/examples.hpp"

namespace talweg::model {

/// Row times w [k], in four interleaved sums, because a single one would wait for every addition.
template <class Real>
Real sparse_product(const data::SparseRow<Real>& row, const Real* w) {
  constexpr std::size_t kSums = 4;
  std::array<Real, kSums> sums{};
  std::size_t j = 0;
  for (; j + kSums <= row.count; j += kSums) {
    for (std::size_t s = 0; s < kSums; ++s) sums[s] += row.value[j + s] * w[row.column[j + s]];
  }
  for (; j < row.count; ++j) sums[0] += row.value[j] * w[row.column[j]];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// out [rows, n], rows `step` apart, = rows times W^T, given as `transposed` [k, n].
template <class Real>
void sparse_products(std::span<const data::SparseRow<Real>> rows, std::size_t n, const Real* transposed, Real* out,
                     std::size_t step) {
  for (const data::SparseRow<Real>& row : rows) {
    if (n == 1) {
      *out = sparse_product(row, transposed);
    } else {
      std::fill_n(out, n, Real{0});
      for (std::size_t j = 0; j < row.count; ++j) {
        const Real* w = transposed + static_cast<std::size_t>(row.column[j]) * n;
        for (std::size_t o = 0; o < n; ++o) out[o] += row.value[j] * w[o];
      }
    }
    out += step;
  }
}

}  // namespace talweg::model
