// SPDX-License-Identifier: Apache-2.0
// Smooth hinge of two classes y in {0, 1} (Rennie & Srebro 2005), m = (2 y - 1) z:
//   l(z, y) = 0 for m >= 1, (1 - m)^2 / 2 for 0 < m < 1, 1/2 - m below
// An example with a margin of 1 or more has no gradient; the others are the support vectors.
#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct SmoothHinge {
  static double value(double z, double y) {
    const double m = y > 0 ? z : -z;
    return m >= 1 ? 0 : m <= 0 ? 0.5 - m : 0.5 * (1 - m) * (1 - m);
  }
  static Real first(Real z, Real y) {
    const Real m = y > 0 ? z : -z;
    const Real slope = m >= 1 ? Real{0} : m <= 0 ? Real{-1} : m - 1;
    return y > 0 ? slope : -slope;
  }
  static Real second(Real z, Real y) {
    const Real m = y > 0 ? z : -z;
    return m > 0 && m < 1 ? Real{1} : Real{0};
  }
};

template <class Real>
std::unique_ptr<Loss<Real>> make_smooth_hinge(const ModelConfig&) {
  return std::make_unique<ScalarLoss<Real, SmoothHinge<Real>>>(SmoothHinge<Real>{});
}

}  // namespace

extern const LossEntry loss_smooth_hinge;
const LossEntry loss_smooth_hinge{"smooth_hinge",
                                  "0 for m >= 1, (1 - m)^2 / 2 for 0 < m < 1, 1/2 - m below; m = (2 y - 1) z, y in {0, 1}",
                                  true,
                                  true,
                                  [](std::size_t classes) -> std::size_t { return classes == 2 ? 1 : 0; },
                                  make_smooth_hinge<float>,
                                  make_smooth_hinge<double>,
                                  1,
                                  nullptr};

}  // namespace talweg::model
