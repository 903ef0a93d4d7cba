// SPDX-License-Identifier: Apache-2.0
// l(z, y): the loss of one example with outputs z and target y. A loss sees `count` rows of `outputs` numbers each.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "model/build.hpp"

namespace talweg::model {

template <class Real>
struct OutputRows {
  std::size_t count = 0;
  std::size_t outputs = 0;
  const Real* z = nullptr;  // [count, outputs]
  const Real* y = nullptr;  // [count] class index or number
};

template <class Real>
class Loss {
 public:
  virtual ~Loss() = default;
  /// Sum of the losses, in double, row after row.
  [[nodiscard]] virtual double value(const OutputRows<Real>& rows) const = 0;
  /// The same; delta [count, outputs] = dl/dz.
  virtual double value_and_delta(const OutputRows<Real>& rows, Real* delta) const = 0;
  /// out [count, outputs] = (d2l/dz2) dz, with delta as value_and_delta left it.
  virtual void second(const OutputRows<Real>& rows, const Real* delta, const Real* dz, Real* out) const = 0;
};

/// A loss l(z, y) of a single output, by its three derivatives: `double value(z, y)`, `Real first(z, y)`, `Real second(z, y)`.
template <class Real, class Scalar>
class ScalarLoss final : public Loss<Real> {
 public:
  explicit ScalarLoss(Scalar scalar) : scalar_(scalar) {}
  double value(const OutputRows<Real>& rows) const override {
    double sum = 0;
    // First all values, then their sum row after row, so that the functions do not wait for the sum.
    std::array<double, 64> values{};
    for (std::size_t at = 0; at < rows.count; at += values.size()) {
      const std::size_t count = std::min(values.size(), rows.count - at);
      for (std::size_t i = 0; i < count; ++i)
        values[i] = scalar_.value(static_cast<double>(rows.z[at + i]), static_cast<double>(rows.y[at + i]));
      for (std::size_t i = 0; i < count; ++i) sum += values[i];
    }
    return sum;
  }
  double value_and_delta(const OutputRows<Real>& rows, Real* delta) const override {
    for (std::size_t i = 0; i < rows.count; ++i) delta[i] = scalar_.first(rows.z[i], rows.y[i]);
    return value(rows);
  }
  void second(const OutputRows<Real>& rows, const Real*, const Real* dz, Real* out) const override {
    for (std::size_t i = 0; i < rows.count; ++i) out[i] = scalar_.second(rows.z[i], rows.y[i]) * dz[i];
  }

 private:
  Scalar scalar_;
};

/// One kind of loss.
struct LossEntry {
  std::string_view name;
  std::string_view formula;
  bool classes;  // targets are class indices
  /// Outputs for this many classes (0: numeric targets); 0 when it cannot be.
  std::size_t (*outputs)(std::size_t classes);
  std::unique_ptr<Loss<float>> (*make_float)(const ModelConfig&);
  std::unique_ptr<Loss<double>> (*make_double)(const ModelConfig&);
  /// The largest eigenvalue of d2l/dz2 over all z and y; and the least c with d2l/dz2 <= c d2l/dz2(0, y) everywhere, for so
  /// many outputs (null: there is none).
  double curvature;
  double (*over_zero)(std::size_t outputs) = nullptr;
};
std::span<const LossEntry> losses();
const LossEntry& find_loss(std::string_view name);

template <class Real>
std::unique_ptr<Loss<Real>> make_loss(const LossEntry& entry, const ModelConfig& config) {
  if constexpr (sizeof(Real) == sizeof(float)) {
    return entry.make_float(config);
  } else {
    return entry.make_double(config);
  }
}

}  // namespace talweg::model
