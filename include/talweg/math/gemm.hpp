// SPDX-License-Identifier: Apache-2.0
// C = alpha * op(A) * op(B) + beta * C, row-major, on one thread. float by oneDNN's sgemm, double by Eigen. The bits follow the
// shape of the call, so callers keep shapes a function of model and batch alone.
#pragma once

#include <cstddef>

namespace talweg::math {

enum class Transpose : bool { no = false, yes = true };

/// op(A) is [m, k], op(B) is [k, n], C is [m, n]; lda, ldb, ldc are the row strides of A, B, C as stored.
/// With beta == 0, C is written without being read.
void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc);
void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc);

}  // namespace talweg::math
