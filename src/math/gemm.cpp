// SPDX-License-Identifier: Apache-2.0
#include "talweg/math/gemm.hpp"

#include <dnnl.h>
#include <omp.h>
#include <signal.h>

#include <Eigen/Core>
#include <stdexcept>
#include <vector>

namespace talweg::math {
namespace {

/// What a thread needs before its first call of libdnnl.
class Guest {
 public:
  Guest() {
    omp_set_num_threads(1);  // libdnnl opens an OpenMP team in whichever thread calls it; ours are TBB's and stay alone
    // Some of its kernels use the stack pointer as one more register. A signal handler would then write its frame wherever that
    // points, so it needs a stack of its own (and SA_ONSTACK).
    stack_t now{};
    if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
    stack_.resize(kStack);
    const stack_t ours{.ss_sp = stack_.data(), .ss_flags = 0, .ss_size = kStack};
    sigaltstack(&ours, nullptr);
  }
  ~Guest() {
    if (stack_.empty()) return;
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    sigaltstack(&none, nullptr);
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

 private:
  static constexpr std::size_t kStack = 65536;
  std::vector<std::byte> stack_;
};

void prepare_this_thread() { thread_local const Guest guest; }

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;

Eigen::Map<const Matrix, 0, Stride> view(const double* p, std::size_t rows, std::size_t cols, std::size_t stride) {
  return {p, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols), Stride(static_cast<Eigen::Index>(stride))};
}

}  // namespace

void gemm(Transpose ta, Transpose tb, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  prepare_this_thread();
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
