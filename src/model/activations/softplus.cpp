// SPDX-License-Identifier: Apache-2.0
// f(z) = log(1 + exp(z))
#include <cmath>

#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Softplus {
  static Real sigmoid(Real z) {
    const Real e = std::exp(-std::abs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  static Real value(Real z) { return std::log1p(std::exp(-std::abs(z))) + (z > 0 ? z : Real{0}); }
  static Real first(Real z, Real) { return sigmoid(z); }
  static Real second(Real z, Real) {
    const Real s = sigmoid(z);
    return s * (1 - s);
  }
};

}  // namespace

extern const ActivationEntry activation_softplus;
const ActivationEntry activation_softplus = activation_entry<Softplus>("softplus", "log(1 + exp(z))", true, true);

}  // namespace talweg::model
