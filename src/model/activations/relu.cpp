// SPDX-License-Identifier: Apache-2.0
// f(z) = max(z, 0)
#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Relu {
  static Real value(Real z) { return z < 0 ? Real{0} : z; }  // lets NaN through
  static Real first(Real z, Real) { return z > 0 ? Real{1} : Real{0}; }
  static Real second(Real, Real) { return 0; }
};

}  // namespace

extern const ActivationEntry activation_relu;
const ActivationEntry activation_relu = activation_entry<Relu>("relu", "max(z, 0)", false, true);

}  // namespace talweg::model
