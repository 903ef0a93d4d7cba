// SPDX-License-Identifier: Apache-2.0
#include "talweg/math/gemm.hpp"

#include <dnnl.h>
#include <omp.h>

#include <Eigen/Core>
#include <stdexcept>

namespace talweg::math {
namespace {

// libdnnl opens an OpenMP team in whichever thread calls it; our threads are TBB's, so each is told once to stay alone.
void keep_openmp_alone() {
  thread_local const bool done = [] {
    omp_set_num_threads(1);
    return true;
  }();
  (void)done;
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;

Eigen::Map<const Matrix, 0, Stride> view(const double* p, std::size_t rows, std::size_t cols, std::size_t stride) {
  return {p, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols), Stride(static_cast<Eigen::Index>(stride))};
}

}  // namespace

void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  keep_openmp_alone();
  const auto index = [](std::size_t v) { return static_cast<dnnl_dim_t>(v); };
  const dnnl_status_t status = dnnl_sgemm(ta == Transpose::yes ? 'T' : 'N', tb == Transpose::yes ? 'T' : 'N', index(m),
                                          index(n), index(k), alpha, a, index(lda), b, index(ldb), beta, c, index(ldc));
  if (status != dnnl_success) throw std::logic_error("dnnl_sgemm refused its arguments");
}

void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  Eigen::Map<Matrix, 0, Stride> out(c, static_cast<Eigen::Index>(m), static_cast<Eigen::Index>(n),
                                    Stride(static_cast<Eigen::Index>(ldc)));
  if (beta == 0) {
    out.setZero();
  } else if (beta != 1) {
    out *= beta;
  }
  const auto left = ta == Transpose::yes ? view(a, k, m, lda) : view(a, m, k, lda);
  const auto right = tb == Transpose::yes ? view(b, n, k, ldb) : view(b, k, n, ldb);
  if (ta == Transpose::yes && tb == Transpose::yes) {
    out.noalias() += alpha * left.transpose() * right.transpose();
  } else if (ta == Transpose::yes) {
    out.noalias() += alpha * left.transpose() * right;
  } else if (tb == Transpose::yes) {
    out.noalias() += alpha * left * right.transpose();
  } else {
    out.noalias() += alpha * left * right;
  }
}

}  // namespace talweg::math
