// SPDX-License-Identifier: Apache-2.0
#include "talweg/math/outer_products.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "math/micro_product.hpp"

namespace talweg::math {
namespace {

template <class Real>
using Leaves = std::span<const std::span<const OuterProduct<Real>>>;

constexpr std::size_t kPanelsTogether = 3;  // their sums, one leaf's window of columns and its left side fit the nearest cache

/// Rows [first, first + rows) by the columns [column, column + width), `Vectors` vectors wide.
template <class Real, std::size_t Vectors, bool Partial>
void add_window(std::size_t first, std::size_t rows, std::size_t column, std::size_t width, std::size_t columns,
                const Leaves<Real>& leaves, TileSum<Real>& sum) {
  constexpr std::size_t kPanel = Simd<Real>::kPanel;
  constexpr std::size_t kStep = Vectors * Simd<Real>::kWidth;
  static_assert(kPanelsTogether * kPanel * kStep <= TileSum<Real>::kPiece);
  alignas(64) std::array<Real, kPanelsTogether * kPanel * kStep> share;

  const std::size_t panels = (rows + kPanel - 1) / kPanel;
  sum.start(rows * kStep);
  for (const auto& leaf : leaves) {
    for (std::size_t panel = 0; panel < panels; ++panel) {  // of nearly equal height: a low one keeps few chains going
      const std::size_t begin = panel * rows / panels;
      const std::size_t height = (panel + 1) * rows / panels - begin;
      const auto product = micro_product_for<Real, Vectors, 1, Partial>(height);
      assert(!leaf.empty());  // nothing would write its share
      bool add = false;
      for (const OuterProduct<Real>& p : leaf) {
        const Left<Real> left{.a = p.left + first + begin, .index_step = p.left_step, .chunk = p.count, .chunk_step = 0};
        product(p.count, left, {p.right + column, p.right_step}, width, add, share.data() + begin * kStep, kStep);
        add = true;
      }
    }
    sum.add(std::span(share).first(rows * kStep));
  }
  sum.finish(kStep, width, first * columns + column, columns);
}

}  // namespace

template <class Real>
void add_outer_products(std::size_t rows, std::size_t columns, Leaves<Real> leaves, TileSum<Real>& sum) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  constexpr std::size_t kRows = kPanelsTogether * Simd<Real>::kPanel;
  for (std::size_t first = 0; first < rows; first += kRows) {
    const std::size_t now = std::min(kRows, rows - first);
    std::size_t column = 0;
    for (; column + 2 * kWidth <= columns; column += 2 * kWidth)
      add_window<Real, 2, false>(first, now, column, 2 * kWidth, columns, leaves, sum);
    for (; column + kWidth <= columns; column += kWidth)
      add_window<Real, 1, false>(first, now, column, kWidth, columns, leaves, sum);
    if (column < columns) add_window<Real, 1, true>(first, now, column, columns - column, columns, leaves, sum);
  }
  sum.end();
}

template void add_outer_products(std::size_t, std::size_t, Leaves<float>, TileSum<float>&);
template void add_outer_products(std::size_t, std::size_t, Leaves<double>, TileSum<double>&);

}  // namespace talweg::math
