// SPDX-License-Identifier: Apache-2.0
// Noise that is added to every gradient estimate, after clipping, before the rule:
//   noise = "sphere"     s u, u uniform on the unit sphere, s = noise_scale                       (Ge, Huang, Jin & Yuan 2015)
//   noise = "ball"       s u, u uniform in the unit ball
//   noise = "gaussian"   xi_j ~ N(0, v / (1 + t)^p), v = noise_variance, p = noise_power, t steps done
//                                                                                                 (Neelakantan et al. 2015)
//   noise = "langevin"   xi_j ~ N(0, 2 T / lr_t), T = temperature: x moves by sqrt(2 lr_t T) N(0, 1) (Welling & Teh 2011)
// What an estimator keeps of its estimates (SARAH) is kept without noise. An element's noise is a function of seed, step and
// the element's place among the parameters: no generator, no vector, and the same on whichever rank draws it.
#pragma once

#include <cstdint>
#include <span>

#include "base/random.hpp"
#include "talweg/config.hpp"
#include "talweg/layout.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {

/// The noise of one step.
class StepNoise {
 public:
  StepNoise() = default;
  StepNoise(std::uint64_t seed, std::int64_t step, double scale)
      : random_(seed, base::Purpose::noise), step_(static_cast<std::uint64_t>(step)), scale_(scale) {}
  [[nodiscard]] bool adds() const { return scale_ != 0; }
  /// A standard normal for each element; all of it comes from here.
  [[nodiscard]] double normal(const math::Block& block, std::size_t i) const { return random_.normal(step_, block.offset + i); }
  template <class Real>
  void apply(const math::Block& block, std::span<Real> g) const {
    if (!adds()) return;
    for (std::size_t i = 0; i < g.size(); ++i) g[i] += static_cast<Real>(scale_ * normal(block, i));
  }

 private:
  base::Random random_{0, base::Purpose::noise};
  std::uint64_t step_ = 0;
  double scale_ = 0;  // of the normals
};

class Noise {
 public:
  Noise() = default;
  /// [method] noise and its keys.
  explicit Noise(const base::Section& method);
  [[nodiscard]] bool adds() const { return kind_ != Kind::none; }
  [[nodiscard]] bool langevin() const { return kind_ == Kind::langevin; }
  /// Langevin noise needs a smooth Omega: its source has no prox step, and sgd's prox would not sample exp(-F / T).
  [[nodiscard]] Needs needs() const {
    return Needs::when(langevin(), Need::smooth_omega, "noise = \"langevin\" samples exp(-F / T) of a smooth F");
  }
  /// The noise of this step, whose learning rate is `lr`. Takes one sweep over the parameters where a length must be known.
  [[nodiscard]] StepNoise draw(StepContext&, double lr) const;

 private:
  enum class Kind : std::uint8_t { none, sphere, ball, gaussian, langevin };
  Kind kind_ = Kind::none;
  double scale_ = 0;  // radius, variance or temperature
  double power_ = 0;
};

}  // namespace talweg::optim
