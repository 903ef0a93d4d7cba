// SPDX-License-Identifier: Apache-2.0
// The step that rules for matrices take for tensors that are no matrices: adamw's (dialect torch), with a learning rate of its
// own. The weight decay is left to the rule.
#pragma once

#include <cmath>
#include <cstdint>

#include "talweg/config.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {

class AdamOfTheRest {
 public:
  struct Defaults {
    double lr = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
  };
  AdamOfTheRest(const base::Section& s, const Defaults& d)
      : lr_(s.number("adam_lr", d.lr, base::Range::positive(), "learning rate of the other tensors")),
        beta1_(s.number("beta1", d.beta1, base::Range::decay(), "decay of the first moment of the other tensors")),
        beta2_(s.number("beta2", d.beta2, base::Range::decay(), "decay of the second moment of the other tensors")),
        epsilon_(s.number("adam_epsilon", d.epsilon, base::Range::positive(), "added to the root of that moment")) {}
  [[nodiscard]] double lr(const RuleStep& step) const { return lr_ * step.factor; }

  /// Update t on a block: updates m and v, and replaces g by mhat / (sqrt(vhat) + epsilon).
  class Step {
   public:
    Step(const AdamOfTheRest& rule, std::int64_t t)
        : rule_(rule),
          up_(1 / (1 - std::pow(rule.beta1_, static_cast<double>(t)))),
          scale_(1 / std::sqrt(1 - std::pow(rule.beta2_, static_cast<double>(t)))) {}
    template <class Real>
    void run(std::size_t count, Real* __restrict g, Real* __restrict m, Real* __restrict v) const {
      const auto [rest1, rest2, up, scale, epsilon] =
          RuleBlock<Real>::real(1 - rule_.beta1_, 1 - rule_.beta2_, up_, scale_, rule_.epsilon_);
      for (std::size_t i = 0; i < count; ++i) {
        m[i] += rest1 * (g[i] - m[i]);
        v[i] += rest2 * (g[i] * g[i] - v[i]);
        g[i] = up * m[i] / (scale * std::sqrt(v[i]) + epsilon);
      }
    }

   private:
    const AdamOfTheRest& rule_;
    double up_;
    double scale_;
  };

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace talweg::optim
