// SPDX-License-Identifier: Apache-2.0
// f(z) = tanh(z)
#include <cmath>

#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Tanh {
  static Real value(Real z) { return std::tanh(z); }
  static Real first(Real, Real a) { return 1 - a * a; }
  static Real second(Real, Real a) { return -2 * a * (1 - a * a); }
};

}  // namespace

extern const ActivationEntry activation_tanh;
const ActivationEntry activation_tanh = activation_entry<Tanh>("tanh", "tanh(z)", true, false);

}  // namespace talweg::model
