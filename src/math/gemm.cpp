// SPDX-License-Identifier: Apache-2.0
#include "math/gemm.hpp"

#include <algorithm>

#include "math/buffer.hpp"
#include "math/panels.hpp"
#include "math/transpose.hpp"

namespace talweg::math {
template <class Real>
void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, Real alpha, const Real* a, std::size_t lda,
          const Real* b, std::size_t ldb, Real beta, Real* c, std::size_t ldc) {
  Buffer<Real> straight, packed(k * n), product(m * n);
  Rows<Real> left{a, lda};
  if (ta == Transpose::yes) {
    straight.resize(m * k);
    transpose(k, m, a, lda, straight.data(), k);
    left = {straight.data(), k};
  }
  for (std::size_t p = 0; p < panel_count<Real>(n); ++p) {
    tb == Transpose::yes ? pack_transposed_panel(k, n, {b, ldb}, p, packed.data())
                         : pack_panel(k, n, {b, ldb}, p, packed.data());
  }
  multiply<Real>(m, k, n, left, packed.data(), {}, product.data(), n);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const Real value = alpha * product[i * n + j];
      c[i * ldc + j] = beta == 0 ? value : value + beta * c[i * ldc + j];
    }
  }
}

template void gemm(Transpose, Transpose, std::size_t, std::size_t, std::size_t, float, const float*, std::size_t, const float*,
                   std::size_t, float, float*, std::size_t);
template void gemm(Transpose, Transpose, std::size_t, std::size_t, std::size_t, double, const double*, std::size_t,
                   const double*, std::size_t, double, double*, std::size_t);

}  // namespace talweg::math
