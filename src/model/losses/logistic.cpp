// SPDX-License-Identifier: Apache-2.0
// Logistic loss of two classes y in {0, 1}: l(z, y) = log(1 + exp(z)) - y z, written so that neither side overflows.
#include <algorithm>
#include <cmath>

#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Logistic {
  static double value(double z, double y) { return std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.0) - y * z; }
  static Real sigmoid(Real z) {
    const Real e = std::exp(-std::abs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  static Real first(Real z, Real y) { return sigmoid(z) - y; }
  static Real second(Real z, Real) {
    const Real e = std::exp(-std::abs(z));
    return e / ((1 + e) * (1 + e));
  }
};

template <class Real>
std::unique_ptr<Loss<Real>> make(const ModelConfig&) {
  return std::make_unique<ScalarLoss<Real, Logistic<Real>>>(Logistic<Real>{});
}

}  // namespace

extern const LossEntry loss_logistic;
const LossEntry loss_logistic{"logistic",
                              "log(1 + exp(z)) - y z, y in {0, 1}: two classes",
                              true,
                              true,
                              [](std::size_t classes) -> std::size_t { return classes == 2 ? 1 : 0; },
                              make<float>,
                              make<double>,
                              0.25,
                              [](std::size_t) { return 1.0; }};

}  // namespace talweg::model
