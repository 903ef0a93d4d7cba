// SPDX-License-Identifier: Apache-2.0
// Matrix products of any shape, on one thread, for methods that work on whole matrices. Row-major.
#pragma once

#include <cstddef>

namespace talweg::math {

enum class Transpose : bool { no = false, yes = true };

/// C = alpha op(A) op(B) + beta C; op(A) is [m, k], op(B) is [k, n], C is [m, n]; lda, ldb, ldc are the row strides of A, B, C
/// as stored. With beta == 0, C is written without being read. Elements of op(A) op(B) are those of math/panels.hpp: chains of
/// fused multiply-adds in the order of k.
template <class Real>
void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, Real alpha, const Real* a, std::size_t lda,
          const Real* b, std::size_t ldb, Real beta, Real* c, std::size_t ldc);

}  // namespace talweg::math
