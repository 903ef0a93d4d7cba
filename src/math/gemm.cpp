// SPDX-License-Identifier: Apache-2.0
#include "talweg/math/gemm.hpp"

#include <algorithm>

#include "talweg/math/buffer.hpp"
#include "talweg/math/panels.hpp"
#include "talweg/math/transpose.hpp"

namespace talweg::math {
namespace {

/// op(A) [rows, cols] with row stride `step`.
template <class Real>
void straighten(Transpose t, std::size_t rows, std::size_t cols, const Real* a, std::size_t lda, std::size_t step, Real* out) {
  if (t == Transpose::yes) return transpose(cols, rows, a, lda, out, step);
  for (std::size_t r = 0; r < rows; ++r) std::copy_n(a + r * lda, cols, out + r * step);
}

}  // namespace

template <class Real>
void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, Real alpha, const Real* a, std::size_t lda,
          const Real* b, std::size_t ldb, Real beta, Real* c, std::size_t ldc) {
  const std::size_t lanes = padded_lanes(n);
  Buffer<Real> left(m * k), packed(packed_extent<Real>(m, k)), right(k * lanes), product(m * lanes);
  straighten(ta, m, k, a, lda, k, left.data());
  for (std::size_t p = 0; p < panel_count<Real>(m); ++p) pack_panel(m, k, left.data(), p, packed.data());
  straighten(tb, k, n, b, ldb, lanes, right.data());
  multiply(m, k, packed.data(), lanes, right.data(), false, product.data());
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const Real value = alpha * product[i * lanes + j];
      c[i * ldc + j] = beta == 0 ? value : value + beta * c[i * ldc + j];
    }
  }
}

template void gemm(Transpose, Transpose, std::size_t, std::size_t, std::size_t, float, const float*, std::size_t, const float*,
                   std::size_t, float, float*, std::size_t);
template void gemm(Transpose, Transpose, std::size_t, std::size_t, std::size_t, double, const double*, std::size_t,
                   const double*, std::size_t, double, double*, std::size_t);

}  // namespace talweg::math
