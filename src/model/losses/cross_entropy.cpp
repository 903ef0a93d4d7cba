// SPDX-License-Identifier: Apache-2.0
// Cross-entropy after softmax: l(z, y) = log sum_j exp(z_j) - z_y; p = softmax(z), dl/dz = p - e_y,
// (d2l/dz2) v = p . (v - (p' v) 1).
#include <algorithm>
#include <cmath>

#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
class CrossEntropy final : public Loss<Real> {
 public:
  double value(const OutputRows<Real>& rows) const override {
    double sum = 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const Real* z = rows.z + i * rows.outputs;
      const Real top = *std::max_element(z, z + rows.outputs);
      double exponentials = 0;
      for (std::size_t j = 0; j < rows.outputs; ++j) exponentials += static_cast<double>(std::exp(z[j] - top));
      sum += std::log(exponentials) + static_cast<double>(top - z[static_cast<std::size_t>(rows.y[i])]);
    }
    return sum;
  }
  double value_and_delta(const OutputRows<Real>& rows, Real* delta) const override {
    double sum = 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const Real* z = rows.z + i * rows.outputs;
      Real* p = delta + i * rows.outputs;
      const Real top = *std::max_element(z, z + rows.outputs);
      double exponentials = 0;
      for (std::size_t j = 0; j < rows.outputs; ++j) {
        p[j] = std::exp(z[j] - top);
        exponentials += static_cast<double>(p[j]);
      }
      const auto y = static_cast<std::size_t>(rows.y[i]);
      const auto scale = static_cast<Real>(1 / exponentials);
      for (std::size_t j = 0; j < rows.outputs; ++j) p[j] *= scale;
      p[y] -= 1;
      sum += std::log(exponentials) + static_cast<double>(top - z[y]);
    }
    return sum;
  }
  void second(const OutputRows<Real>& rows, const Real* delta, const Real* dz, Real* out) const override {
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::size_t at = i * rows.outputs;
      const auto y = static_cast<std::size_t>(rows.y[i]);
      const auto p = [&](std::size_t j) { return delta[at + j] + (j == y ? Real{1} : Real{0}); };
      Real mean = 0;
      for (std::size_t j = 0; j < rows.outputs; ++j) mean += p(j) * dz[at + j];
      for (std::size_t j = 0; j < rows.outputs; ++j) out[at + j] = p(j) * (dz[at + j] - mean);
    }
  }
};

template <class Real>
std::unique_ptr<Loss<Real>> make_cross_entropy(const ModelConfig&) {
  return std::make_unique<CrossEntropy<Real>>();
}

}  // namespace

extern const LossEntry loss_cross_entropy;
const LossEntry loss_cross_entropy{"cross_entropy",
                                   "log sum_j exp(z_j) - z_y",
                                   true,
                                   true,
                                   [](std::size_t classes) -> std::size_t { return classes >= 2 ? classes : 0; },
                                   make_cross_entropy<float>,
                                   make_cross_entropy<double>,
                                   0.5,  // and diag(p) - p p' <= (I - 1 1'/K) / 2: Boehning, Ann. Inst. Stat. Math. 44 (1992)
                                   [](std::size_t outputs) { return static_cast<double>(outputs) / 2; }};

}  // namespace talweg::model
