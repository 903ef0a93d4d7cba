// SPDX-License-Identifier: Apache-2.0
// l(z, y) = (z - y)^2 / 2.
#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Squared {
  static double value(double z, double y) { return 0.5 * (z - y) * (z - y); }
  static Real first(Real z, Real y) { return z - y; }
  static Real second(Real, Real) { return 1; }
};

template <class Real>
std::unique_ptr<Loss<Real>> make_squared(const ModelConfig&) {
  return std::make_unique<ScalarLoss<Real, Squared<Real>>>(Squared<Real>{});
}

}  // namespace

extern const LossEntry loss_squared;
const LossEntry loss_squared{"squared",
                             "(z - y)^2 / 2",
                             false,
                             true,
                             [](std::size_t) -> std::size_t { return 1; },
                             make_squared<float>,
                             make_squared<double>,
                             1,
                             [](std::size_t) { return 1.0; }};

}  // namespace talweg::model
