// SPDX-License-Identifier: Apache-2.0
// Omega(x) = l1 |w|_1 + (l2/2) |w|^2 + indicator(low <= w <= high)
//          + group_lasso sum_g sqrt(|g|) |w_g|_2, or indicator(|w|_2 <= ball),     over weights (biases too with include_bias).
// Its smooth part (l2) always goes into value, gradient and Hessian-vector product; its non-smooth part (all else) always acts
// through prox. Applied once per request by the oracle, never per example. The part that couples weights (the second line) is
// described here; optim/coupled_prox.hpp computes its prox.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "talweg/config.hpp"
#include "talweg/layout.hpp"
#include "talweg/proximal.hpp"

namespace talweg::model {

class Regularizer final : public math::Proximal {
 public:
  struct Config {
    double l1 = 0;
    double l2 = 0;
    double low = -std::numeric_limits<double>::infinity();  // box
    double high = std::numeric_limits<double>::infinity();
    bool include_bias = false;
    double group_lasso = 0;
    math::Coupling::Of groups = math::Coupling::Of::inputs;
    double ball = 0;  // radius; 0: none
  };
  Regularizer(const Config& config, const math::ParameterLayout& layout);

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] bool smooth() const;  // nothing but l2: prox is the identity
  /// The l2 that acts on this block: 0 on biases unless include_bias. Gradient l2 * x, curvature l2.
  [[nodiscard]] double l2(const math::Block& block) const;
  /// Omega on one block: its smooth part, and the separable non-smooth part: l1, and +infinity outside the box. The corners of
  /// the box are rounded to Real (0.1 is no float), so that results of apply() are always inside.
  template <class Real>
  [[nodiscard]] double smooth_value(const math::Block&, std::span<const Real> x) const;
  template <class Real>
  [[nodiscard]] double nonsmooth_value(const math::Block&, std::span<const Real> x) const;
  /// prox of the separable non-smooth part: soft threshold by step * l1, then the box.
  void apply(const math::Block&, std::span<float> x, std::span<const float> step) const override;
  void apply(const math::Block&, std::span<double> x, std::span<const double> step) const override;
  [[nodiscard]] double l1(const math::Block& block) const override { return acts_on(block) ? config_.l1 : 0; }
  [[nodiscard]] const math::Coupling* coupling() const override { return coupling_ ? &*coupling_ : nullptr; }

 private:
  [[nodiscard]] bool acts_on(const math::Block& block) const;
  Config config_;
  std::vector<bool> bias_;  // per tensor
  std::optional<math::Coupling> coupling_;
};

/// [regularizer] l1, l2, box = [low, high] or nonnegative, group_lasso and groups, ball, include_bias.
Regularizer::Config parse_regularizer(const base::Section& regularizer);

}  // namespace talweg::model
