// SPDX-License-Identifier: Apache-2.0
#include "talweg/math/panels.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "math/micro_product.hpp"

namespace talweg::math {
namespace {

/// Runs one loop per step of lanes: two vectors at a time, one where lanes are left.
template <class Real, std::size_t RowStep>
void across_lanes(std::size_t rows, std::size_t count, const Left<Real>& left, std::size_t lanes, const Real* b, bool add,
                  Real* out) {
  constexpr std::size_t kWidth = Simd<Real>::kWidth;
  const auto two = micro_product_for<Real, 2, RowStep>(rows);
  std::size_t at = 0;
  for (; at + 2 * kWidth <= lanes; at += 2 * kWidth) two(count, left, {b + at, lanes}, 0, add, out + at, lanes);
  if (at < lanes) micro_product_for<Real, 1, RowStep>(rows)(count, left, {b + at, lanes}, 0, add, out + at, lanes);
}

}  // namespace

template <class Real>
std::size_t panel_rows() {
  return Simd<Real>::kPanel;
}

template <class Real>
void pack_panel(std::size_t rows, std::size_t cols, const Real* a, std::size_t panel, Real* packed) {
  constexpr std::size_t kPanel = Simd<Real>::kPanel;
  const std::size_t first = panel * kPanel;
  const std::size_t height = std::min(kPanel, rows - first);
  Real* to = packed + first * cols;
  if (height < kPanel) std::fill_n(to, kPanel * cols, Real{0});
  for (std::size_t r = 0; r < height; ++r) {
    const Real* row = a + (first + r) * cols;
    for (std::size_t j = 0; j < cols; ++j) to[j * kPanel + r] = row[j];
  }
}

template <class Real>
void multiply(std::size_t rows, std::size_t cols, const Real* packed, std::size_t lanes, const Real* b, bool add, Real* out) {
  constexpr std::size_t kPanel = Simd<Real>::kPanel;
  for (std::size_t first = 0; first < rows; first += kPanel) {
    const Left<Real> panel{.a = packed + first * cols, .index_step = kPanel, .chunk = cols, .chunk_step = 0};
    across_lanes<Real, 1>(std::min(kPanel, rows - first), cols, panel, lanes, b, add, out + first * lanes);
  }
}

template <class Real>
void multiply_transposed(std::size_t rows, std::size_t cols, const Real* packed, std::size_t lanes, const Real* b, bool add,
                         Real* out) {
  constexpr std::size_t kPanel = Simd<Real>::kPanel;
  for (std::size_t first = 0; first < cols; first += kPanel) {
    const Left<Real> columns{.a = packed + first * kPanel, .index_step = 1, .chunk = kPanel, .chunk_step = kPanel * cols};
    across_lanes<Real, kPanel>(std::min(kPanel, cols - first), rows, columns, lanes, b, add, out + first * lanes);
  }
}

template <class Real>
void multiply_vector(std::size_t rows, std::size_t cols, const Real* a, const Real* x, Real* out) {
  constexpr std::size_t kChains = 32;
  for (std::size_t i = 0; i < rows; ++i, a += cols) {
    std::array<Real, kChains> sum{};
    std::size_t j = 0;
    for (; j + kChains <= cols; j += kChains) {
      for (std::size_t c = 0; c < kChains; ++c) sum[c] = std::fma(a[j + c], x[j + c], sum[c]);
    }
    for (std::size_t c = 0; j + c < cols; ++c) sum[c] = std::fma(a[j + c], x[j + c], sum[c]);
    for (std::size_t half = kChains / 2; half > 0; half /= 2) {
      for (std::size_t c = 0; c < half; ++c) sum[c] += sum[c + half];
    }
    out[i] = sum[0];
  }
}

#define TALWEG_PANELS(Real)                                                                                        \
  template std::size_t panel_rows<Real>();                                                                         \
  template void pack_panel(std::size_t, std::size_t, const Real*, std::size_t, Real*);                             \
  template void multiply(std::size_t, std::size_t, const Real*, std::size_t, const Real*, bool, Real*);            \
  template void multiply_transposed(std::size_t, std::size_t, const Real*, std::size_t, const Real*, bool, Real*); \
  template void multiply_vector(std::size_t, std::size_t, const Real*, const Real*, Real*);
TALWEG_PANELS(float)
TALWEG_PANELS(double)
#undef TALWEG_PANELS

}  // namespace talweg::math
