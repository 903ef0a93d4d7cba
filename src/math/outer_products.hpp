// SPDX-License-Identifier: Apache-2.0
// Phase two of a dense layer's gradient: per leaf, sums of outer products, rounded and added over leaves while they are in
// registers and first-level cache.
#pragma once

#include <cstddef>
#include <span>

#include "math/rows.hpp"
#include "talweg/sums.hpp"

namespace talweg::math {

/// sum over i < count of left[i, :]^T right[i, :].
template <class Real>
struct OuterProduct {
  Rows<Real> left;   // [count, rows]
  Rows<Real> right;  // [count, columns]
  std::size_t count = 0;
};

/// Adds to the tile [rows, columns] the share of each leaf: the sum of its outer products, one chain of fused multiply-adds per
/// element through all of them in order.
template <class Real>
void add_outer_products(std::size_t rows, std::size_t columns, std::span<const std::span<const OuterProduct<Real>>> leaves,
                        TileSum<Real>& sum);

}  // namespace talweg::math
