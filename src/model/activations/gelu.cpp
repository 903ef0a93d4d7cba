// SPDX-License-Identifier: Apache-2.0
// f(z) = z Phi(z), Phi the standard normal distribution (the exact form, by erf; Hendrycks & Gimpel 2016)
#include <cmath>

#include "model/activation.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Gelu {
  static Real distribution(Real z) { return Real(0.5) * (1 + std::erf(z * Real(0.70710678118654752))); }
  static Real density(Real z) { return Real(0.39894228040143268) * std::exp(Real(-0.5) * z * z); }
  static Real value(Real z) { return z * distribution(z); }
  static Real first(Real z, Real) { return distribution(z) + z * density(z); }
  static Real second(Real z, Real) { return (2 - z * z) * density(z); }
};

}  // namespace

extern const ActivationEntry activation_gelu;
const ActivationEntry activation_gelu =
    activation_entry<Gelu>("gelu", "z Phi(z), Phi the standard normal distribution", true, true);

}  // namespace talweg::model
