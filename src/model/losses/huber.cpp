// SPDX-License-Identifier: Apache-2.0
// Huber (1964): l(z, y) = r^2 / 2 for |r| <= d, d (|r| - d/2) beyond, r = z - y. d: huber_delta.
#include <cmath>

#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Huber {
  double d;
  double value(double z, double y) const {
    const double r = std::abs(z - y);
    return r <= d ? 0.5 * r * r : d * (r - 0.5 * d);
  }
  Real first(Real z, Real y) const {
    const Real r = z - y;
    const Real limit = static_cast<Real>(d);
    return r > limit ? limit : r < -limit ? -limit : r;
  }
  Real second(Real z, Real y) const { return std::abs(z - y) <= static_cast<Real>(d) ? Real{1} : Real{0}; }
};

template <class Real>
std::unique_ptr<Loss<Real>> make_huber(const ModelConfig& config) {
  return std::make_unique<ScalarLoss<Real, Huber<Real>>>(Huber<Real>{config.huber_delta});
}

}  // namespace

extern const LossEntry loss_huber;
const LossEntry loss_huber{"huber",
                           "r^2 / 2 for |r| <= d, d (|r| - d/2) beyond; r = z - y, d = huber_delta",
                           false,
                           true,
                           [](std::size_t) -> std::size_t { return 1; },
                           make_huber<float>,
                           make_huber<double>,
                           1,
                           nullptr};

}  // namespace talweg::model
