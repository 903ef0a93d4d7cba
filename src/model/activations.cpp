// SPDX-License-Identifier: Apache-2.0
// The activations that [model] activation names; their formulas are in the table at the end. first and second are derivatives
// in z, where a = f(z) is known.
#include <array>
#include <cmath>

#include "model/activation.hpp"
#include "model/kind.hpp"

namespace talweg::model {
namespace {

template <class Real>
Real sigmoid(Real z) {
  const Real e = std::exp(-std::abs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

template <class Real>
struct Relu {
  static Real value(Real z) { return z < 0 ? Real{0} : z; }  // lets NaN through
  static Real first(Real z, Real) { return z > 0 ? Real{1} : Real{0}; }
  static Real second(Real, Real) { return 0; }
};

template <class Real>
struct LeakyRelu {
  static constexpr Real kSlope = Real(0.01);
  static Real value(Real z) { return z < 0 ? kSlope * z : z; }
  static Real first(Real z, Real) { return z > 0 ? Real{1} : kSlope; }
  static Real second(Real, Real) { return 0; }
};

template <class Real>
struct Tanh {
  static Real value(Real z) { return std::tanh(z); }
  static Real first(Real, Real a) { return 1 - a * a; }
  static Real second(Real, Real a) { return -2 * a * (1 - a * a); }
};

template <class Real>
struct Sigmoid {
  static Real value(Real z) { return sigmoid(z); }
  static Real first(Real, Real a) { return a * (1 - a); }
  static Real second(Real, Real a) { return a * (1 - a) * (1 - 2 * a); }
};

template <class Real>
struct Softplus {
  static Real value(Real z) { return std::log1p(std::exp(-std::abs(z))) + (z > 0 ? z : Real{0}); }
  static Real first(Real z, Real) { return sigmoid(z); }
  static Real second(Real z, Real) {
    const Real s = sigmoid(z);
    return s * (1 - s);
  }
};

/// The exact form, by erf (Hendrycks & Gimpel 2016).
template <class Real>
struct Gelu {
  static Real distribution(Real z) { return Real(0.5) * (1 + std::erf(z * Real(0.70710678118654752))); }
  static Real density(Real z) { return Real(0.39894228040143268) * std::exp(Real(-0.5) * z * z); }
  static Real value(Real z) { return z * distribution(z); }
  static Real first(Real z, Real) { return distribution(z) + z * density(z); }
  static Real second(Real z, Real) { return (2 - z * z) * density(z); }
};

template <class Real>
struct Identity {
  static Real value(Real z) { return z; }
  static Real first(Real, Real) { return 1; }
  static Real second(Real, Real) { return 0; }
};

constexpr std::array kActivations = {
    activation_entry<Relu>("relu", "max(z, 0)", false, true),
    activation_entry<LeakyRelu>("leaky_relu", "z for z > 0, 0.01 z below", false, true),
    activation_entry<Tanh>("tanh", "tanh(z)", true, false),
    activation_entry<Sigmoid>("sigmoid", "1 / (1 + exp(-z))", true, false),
    activation_entry<Softplus>("softplus", "log(1 + exp(z))", true, true),
    activation_entry<Gelu>("gelu", "z Phi(z), Phi the standard normal distribution", true, true),
    activation_entry<Identity>("identity", "z", true, false),
};

}  // namespace

std::span<const ActivationEntry> activations() { return kActivations; }
const ActivationEntry& find_activation(std::string_view name) { return entry_named(activations(), name, "model.activation"); }

}  // namespace talweg::model
