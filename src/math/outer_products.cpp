// SPDX-License-Identifier: Apache-2.0
#include "math/outer_products.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "math/micro_product.hpp"

namespace talweg::math {
namespace {

template <class Real>
using Leaves = std::span<const std::span<const OuterProduct<Real>>>;

constexpr std::size_t kPanelsTogether = 3;  // their sums, one leaf's window of columns and its left side fit the nearest cache

/// Rows [first, first + rows) of a tile by one panel of its columns.
template <class Real>
void add_window(std::size_t first, std::size_t rows, ColumnPanel columns, std::size_t tile_step, const Leaves<Real>& leaves,
                TileSum<Real>& sum) {
  constexpr std::size_t kPanel = Simd<Real>::kPanel;
  constexpr std::size_t kMostColumns = 2 * Simd<Real>::kWidth;
  static_assert(kPanelsTogether * kPanel * kMostColumns <= TileSum<Real>::kPiece);
  alignas(64) std::array<Real, kPanelsTogether * kPanel * kMostColumns> share;

  const std::size_t width = columns.width;
  const std::size_t panels = (rows + kPanel - 1) / kPanel;
  for (const auto& leaf : leaves) {
    // Of nearly equal height, because a low panel has few independent chains.
    for (std::size_t panel = 0; panel < panels; ++panel) {
      const std::size_t begin = panel * rows / panels;
      const std::size_t height = (panel + 1) * rows / panels - begin;
      const auto product = micro_product_for<Real, Left::index_major>(height, width);
      assert(!leaf.empty());  // an empty leaf would leave its share unwritten
      Real* const to = share.data() + begin * width;
      Rows<Real> start;
      for (const OuterProduct<Real>& p : leaf) {
        product(p.count, {p.left.first + first + begin, p.left.step}, {p.right.first + columns.first, p.right.step}, width,
                start, to, width);
        start = {to, width};
      }
    }
    sum.add(std::span(share).first(rows * width));
  }
  sum.finish(rows, width, first * tile_step + columns.first, tile_step);
}

}  // namespace

template <class Real>
void add_outer_products(std::size_t rows, std::size_t columns, Leaves<Real> leaves, TileSum<Real>& sum) {
  constexpr std::size_t kRows = kPanelsTogether * Simd<Real>::kPanel;
  for (std::size_t first = 0; first < rows; first += kRows) {
    for (std::size_t panel = 0; panel < column_panels<Real>(columns); ++panel)
      add_window<Real>(first, std::min(kRows, rows - first), column_panel<Real>(columns, panel), columns, leaves, sum);
  }
  sum.end();
}

template void add_outer_products(std::size_t, std::size_t, Leaves<float>, TileSum<float>&);
template void add_outer_products(std::size_t, std::size_t, Leaves<double>, TileSum<double>&);

}  // namespace talweg::math
