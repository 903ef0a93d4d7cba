// SPDX-License-Identifier: Apache-2.0
// f(z) = z
#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Identity {
  static Real value(Real z) { return z; }
  static Real first(Real, Real) { return 1; }
  static Real second(Real, Real) { return 0; }
};

}  // namespace

extern const ActivationEntry activation_identity;
const ActivationEntry activation_identity = activation_entry<Identity>("identity", "z", true, false);

}  // namespace talweg::model
