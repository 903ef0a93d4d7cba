// SPDX-License-Identifier: Apache-2.0
// f(z) = 1 / (1 + exp(-z))
#include <cmath>

#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Sigmoid {
  static Real value(Real z) {
    const Real e = std::exp(-std::abs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  static Real first(Real, Real a) { return a * (1 - a); }
  static Real second(Real, Real a) { return a * (1 - a) * (1 - 2 * a); }
};

}  // namespace

extern const ActivationEntry activation_sigmoid;
const ActivationEntry activation_sigmoid = activation_entry<Sigmoid>("sigmoid", "1 / (1 + exp(-z))", true, false);

}  // namespace talweg::model
