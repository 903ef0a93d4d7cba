// SPDX-License-Identifier: Apache-2.0
// a = f(z), element by element, with the derivatives that backward and tangent passes need.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace talweg::model {

/// Each works on `count` elements; z are the inputs, a = f(z).
template <class Real>
class Activation {
 public:
  virtual ~Activation() = default;
  virtual void forward(std::size_t count, const Real* z, Real* a) const = 0;
  /// delta = f'(z) back.
  virtual void backward(std::size_t count, const Real* z, const Real* a, const Real* back, Real* delta) const = 0;
  /// delta = f'(z) back + f''(z) dz kept: the derivative of backward() when z moves by dz and `kept` was its back.
  virtual void second(std::size_t count, const Real* z, const Real* a, const Real* back, const Real* dz, const Real* kept,
                      Real* delta) const = 0;
};

/// An activation from `Real value(Real z)`, `Real first(Real z, Real a)`, `Real second(Real z, Real a)`.
template <class Real, class Function>
class ElementActivation final : public Activation<Real> {
 public:
  void forward(std::size_t count, const Real* z, Real* a) const override {
    for (std::size_t i = 0; i < count; ++i) a[i] = Function::value(z[i]);
  }
  void backward(std::size_t count, const Real* z, const Real* a, const Real* back, Real* delta) const override {
    for (std::size_t i = 0; i < count; ++i) delta[i] = Function::first(z[i], a[i]) * back[i];
  }
  void second(std::size_t count, const Real* z, const Real* a, const Real* back, const Real* dz, const Real* kept,
              Real* delta) const override {
    for (std::size_t i = 0; i < count; ++i)
      delta[i] = Function::first(z[i], a[i]) * back[i] + Function::second(z[i], a[i]) * dz[i] * kept[i];
  }
};

/// One kind of activation.
struct ActivationEntry {
  std::string_view name;
  std::string_view formula;
  bool smooth;     // continuous derivative
  bool relu_like;  // he initialisation is suitable
  std::unique_ptr<Activation<float>> (*make_float)();
  std::unique_ptr<Activation<double>> (*make_double)();
};
std::span<const ActivationEntry> activations();
const ActivationEntry& find_activation(std::string_view name);

template <class Real>
std::unique_ptr<Activation<Real>> make_activation(const ActivationEntry& entry) {
  if constexpr (sizeof(Real) == sizeof(float)) {
    return entry.make_float();
  } else {
    return entry.make_double();
  }
}

template <template <class> class Function>
constexpr ActivationEntry activation_entry(std::string_view name, std::string_view formula, bool smooth, bool relu_like) {
  return {
      name,
      formula,
      smooth,
      relu_like,
      []() -> std::unique_ptr<Activation<float>> { return std::make_unique<ElementActivation<float, Function<float>>>(); },
      []() -> std::unique_ptr<Activation<double>> { return std::make_unique<ElementActivation<double, Function<double>>>(); }};
}

}  // namespace talweg::model
