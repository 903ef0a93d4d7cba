// SPDX-License-Identifier: Apache-2.0
// The losses that [model] loss names; their formulas are in the table at the end.
#include <algorithm>
#include <array>
#include <cmath>

#include "math/elementary.hpp"
#include "model/kind.hpp"
#include "model/loss.hpp"

namespace talweg::model {
namespace {

template <class Real>
struct Squared {
  static double value(double z, double y) { return 0.5 * (z - y) * (z - y); }
  static Real first(Real z, Real y) { return z - y; }
  static Real second(Real, Real) { return 1; }
};

/// Huber 1964; d is huber_delta.
template <class Real>
struct Huber {
  explicit Huber(const ModelConfig& config) : d(config.huber_delta) {}
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

/// Written so that neither side overflows.
template <class Real>
struct Logistic {
  static double small(double z) { return math::exp_of_minus(std::abs(z)); }  // the one of exp(z), exp(-z) that is
  static double value(double z, double y) { return math::log_of_one_plus(small(z)) + std::max(z, 0.0) - y * z; }
  static Real first(Real z, Real y) {
    const double e = small(z);
    return static_cast<Real>((z >= 0 ? 1 : e) / (1 + e)) - y;
  }
  static Real second(Real z, Real) {
    const double e = small(z);
    return static_cast<Real>(e / ((1 + e) * (1 + e)));
  }
};

/// Rennie & Srebro 2005. An example with a margin m >= 1 has no gradient; the others are the support vectors.
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

/// p = softmax(z), dl/dz = p - e_y, (d2l/dz2) v = p . (v - (p'v) 1).
template <class Real>
class CrossEntropy final : public Loss<Real> {
 public:
  double value(const OutputRows<Real>& rows) const override {
    double sum = 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const Real* z = rows.z + i * rows.outputs;
      const Real top = *std::max_element(z, z + rows.outputs);
      double exponentials = 0;
      for (std::size_t j = 0; j < rows.outputs; ++j) exponentials += static_cast<double>(std::exp(z[j] - top));
      sum += std::log(exponentials) + static_cast<double>(top - z[static_cast<std::size_t>(rows.y[i])]);
    }
    return sum;
  }
  double value_and_delta(const OutputRows<Real>& rows, Real* delta) const override {
    double sum = 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const Real* z = rows.z + i * rows.outputs;
      Real* p = delta + i * rows.outputs;
      const Real top = *std::max_element(z, z + rows.outputs);
      double exponentials = 0;
      for (std::size_t j = 0; j < rows.outputs; ++j) {
        p[j] = std::exp(z[j] - top);
        exponentials += static_cast<double>(p[j]);
      }
      const auto y = static_cast<std::size_t>(rows.y[i]);
      const auto scale = static_cast<Real>(1 / exponentials);
      for (std::size_t j = 0; j < rows.outputs; ++j) p[j] *= scale;
      p[y] -= 1;
      sum += std::log(exponentials) + static_cast<double>(top - z[y]);
    }
    return sum;
  }
  void second(const OutputRows<Real>& rows, const Real* delta, const Real* dz, Real* out) const override {
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::size_t at = i * rows.outputs;
      const auto y = static_cast<std::size_t>(rows.y[i]);
      const auto p = [&](std::size_t j) { return delta[at + j] + (j == y ? Real{1} : Real{0}); };
      Real mean = 0;
      for (std::size_t j = 0; j < rows.outputs; ++j) mean += p(j) * dz[at + j];
      for (std::size_t j = 0; j < rows.outputs; ++j) out[at + j] = p(j) * (dz[at + j] - mean);
    }
  }
};

template <class Real, template <class> class Scalar>
std::unique_ptr<Loss<Real>> make_scalar(const ModelConfig& config) {
  if constexpr (std::is_constructible_v<Scalar<Real>, const ModelConfig&>) {
    return std::make_unique<ScalarLoss<Real, Scalar<Real>>>(Scalar<Real>(config));
  } else {
    return std::make_unique<ScalarLoss<Real, Scalar<Real>>>(Scalar<Real>());
  }
}
template <class Real>
std::unique_ptr<Loss<Real>> make_cross_entropy(const ModelConfig&) {
  return std::make_unique<CrossEntropy<Real>>();
}

constexpr auto kNumbers = [](std::size_t) -> std::size_t { return 1; };
constexpr auto kTwoClasses = [](std::size_t classes) -> std::size_t { return classes == 2 ? 1 : 0; };
constexpr auto kClasses = [](std::size_t classes) -> std::size_t { return classes >= 2 ? classes : 0; };
constexpr auto kOne = [](std::size_t) { return 1.0; };

constexpr std::array kLosses = {
    LossEntry{.name = "squared",
              .formula = "(z - y)^2 / 2",
              .classes = false,
              .outputs = kNumbers,
              .make_float = make_scalar<float, Squared>,
              .make_double = make_scalar<double, Squared>,
              .curvature = 1,
              .over_zero = kOne},
    LossEntry{.name = "logistic",
              .formula = "log(1 + exp(z)) - y z, y in {0, 1}: two classes",
              .classes = true,
              .outputs = kTwoClasses,
              .make_float = make_scalar<float, Logistic>,
              .make_double = make_scalar<double, Logistic>,
              .curvature = 0.25,
              .over_zero = kOne},
    LossEntry{.name = "cross_entropy",
              .formula = "log sum_j exp(z_j) - z_y",
              .classes = true,
              .outputs = kClasses,
              .make_float = make_cross_entropy<float>,
              .make_double = make_cross_entropy<double>,
              .curvature = 0.5,
              // diag(p) - p p' <= (I - 1 1'/K) / 2: Boehning, Ann. Inst. Stat. Math. 44 (1992)
              .over_zero = [](std::size_t outputs) { return static_cast<double>(outputs) / 2; }},
    LossEntry{.name = "huber",
              .formula = "r^2 / 2 for |r| <= d, d (|r| - d/2) beyond; r = z - y, d = huber_delta",
              .classes = false,
              .outputs = kNumbers,
              .make_float = make_scalar<float, Huber>,
              .make_double = make_scalar<double, Huber>,
              .curvature = 1},
    LossEntry{.name = "smooth_hinge",
              .formula = "0 for m >= 1, (1 - m)^2 / 2 for 0 < m < 1, 1/2 - m below; m = (2 y - 1) z, y in {0, 1}",
              .classes = true,
              .outputs = kTwoClasses,
              .make_float = make_scalar<float, SmoothHinge>,
              .make_double = make_scalar<double, SmoothHinge>,
              .curvature = 1},
};

}  // namespace

std::span<const LossEntry> losses() { return kLosses; }
const LossEntry& find_loss(std::string_view name) { return entry_named(losses(), name, "model.loss"); }

}  // namespace talweg::model
