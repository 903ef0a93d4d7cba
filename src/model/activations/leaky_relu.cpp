// SPDX-License-Identifier: Apache-2.0
// f(z) = z for z > 0, 0.01 z below
#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct LeakyRelu {
  static constexpr Real kSlope = Real(0.01);
  static Real value(Real z) { return z < 0 ? kSlope * z : z; }
  static Real first(Real z, Real) { return z > 0 ? Real{1} : kSlope; }
  static Real second(Real, Real) { return 0; }
};

}  // namespace

extern const ActivationEntry activation_leaky_relu;
const ActivationEntry activation_leaky_relu =
    activation_entry<LeakyRelu>("leaky_relu", "z for z > 0, 0.01 z below", false, true);

}  // namespace talweg::model
