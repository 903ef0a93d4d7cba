// SPDX-License-Identifier: Apache-2.0
#include "math/panels.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "math/micro_product.hpp"
#include "math/square.hpp"

namespace talweg::math {

template <class Real>
std::size_t panel_count(std::size_t cols) {
  return column_panels<Real>(cols);
}

template <class Real>
void pack_panel(std::size_t inner, std::size_t cols, Rows<Real> b, std::size_t panel, Real* packed) {
  const auto [first, width] = column_panel<Real>(cols, panel);
  Real* to = packed + first * inner;
  for (std::size_t i = 0; i < inner; ++i) std::copy_n(b.first + i * b.step + first, width, to + i * width);
}

template <class Real>
void pack_transposed_panel(std::size_t inner, std::size_t cols, Rows<Real> t, std::size_t panel, Real* packed) {
  constexpr std::size_t kSide = Simd<Real>::kWidth;
  const auto [first, width] = column_panel<Real>(cols, panel);
  Real* to = packed + first * inner;
  for (std::size_t i = 0; i < inner; i += kSide) {
    for (std::size_t c = 0; c < width; c += kSide) {
      transpose_piece(std::min(kSide, width - c), std::min(kSide, inner - i), t.first + (first + c) * t.step + i, t.step,
                      to + i * width + c, width);
    }
  }
}

template <class Real>
void multiply(std::size_t count, std::size_t inner, std::size_t cols, Rows<Real> left, const Real* packed, Rows<Real> start,
              Real* out, std::size_t out_step) {
  constexpr std::size_t kPanel = Simd<Real>::kPanel;
  const std::size_t row_panels = (count + kPanel - 1) / kPanel;
  for (std::size_t panel = 0; panel < column_panels<Real>(cols); ++panel) {
    const auto [column, width] = column_panel<Real>(cols, panel);
    const Rows<Real> right{packed + column * inner, width};
    for (std::size_t p = 0; p < row_panels; ++p) {  // of nearly equal height, because a low panel has few independent chains
      const std::size_t row = p * count / row_panels;
      const std::size_t height = (p + 1) * count / row_panels - row;
      const Rows<Real> from{start.first != nullptr ? start.first + row * start.step + column : nullptr, start.step};
      micro_product_for<Real, Left::row_major>(height, width)(inner, {left.first + row * left.step, left.step}, right, width,
                                                              from, out + row * out_step + column, out_step);
    }
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

#define TALWEG_PANELS(Real)                                                                                               \
  template std::size_t panel_count<Real>(std::size_t);                                                                    \
  template void pack_panel(std::size_t, std::size_t, Rows<Real>, std::size_t, Real*);                                     \
  template void pack_transposed_panel(std::size_t, std::size_t, Rows<Real>, std::size_t, Real*);                          \
  template void multiply(std::size_t, std::size_t, std::size_t, Rows<Real>, const Real*, Rows<Real>, Real*, std::size_t); \
  template void multiply_vector(std::size_t, std::size_t, const Real*, const Real*, Real*);
TALWEG_PANELS(float)
TALWEG_PANELS(double)
#undef TALWEG_PANELS

}  // namespace talweg::math
