// SPDX-License-Identifier: Apache-2.0
// Logistic loss of two classes y in {0, 1}: l(z, y) = log(1 + exp(z)) - y z, written so that neither side overflows.
#include <algorithm>
#include <cmath>

#include "math/elementary.hpp"
#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Logistic {
  static double small(double z) { return math::exp_of_minus(std::abs(z)); }  // the one of exp(z), exp(-z) that is
  static double value(double z, double y) { return math::log_of_one_plus(small(z)) + std::max(z, 0.0) - y * z; }
  static Real first(Real z, Real y) {
    const double e = small(z);
    return static_cast<Real>((z >= 0 ? 1 : e) / (1 + e)) - y;
  }
  static Real second(Real z, Real) {
    const double e = small(z);
    return static_cast<Real>(e / ((1 + e) * (1 + e)));
  }
};

template <class Real>
std::unique_ptr<Loss<Real>> make_logistic(const ModelConfig&) {
  return std::make_unique<ScalarLoss<Real, Logistic<Real>>>(Logistic<Real>{});
}

}  // namespace

extern const LossEntry loss_logistic;
const LossEntry loss_logistic{"logistic",
                              "log(1 + exp(z)) - y z, y in {0, 1}: two classes",
                              true,
                              true,
                              [](std::size_t classes) -> std::size_t { return classes == 2 ? 1 : 0; },
                              make_logistic<float>,
                              make_logistic<double>,
                              0.25,
                              [](std::size_t) { return 1.0; }};

}  // namespace talweg::model
