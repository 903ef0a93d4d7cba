// SPDX-License-Identifier: Apache-2.0
// AdaBelief (Zhuang et al. 2020, algorithm 2): Adam that divides by how far the gradient is from what was expected of it:
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t          s_t = beta2 s_{t-1} + (1 - beta2) (g_t - m_t)^2 + epsilon
//   x_t = x_{t-1} - lr mhat_t / (sqrt(shat_t) + epsilon),  mhat = m / (1 - beta1^t),  shat = s / (1 - beta2^t)
// epsilon is added to s each step, and so piles up to epsilon / (1 - beta2), and once more outside the root.
#include <cmath>

#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

class Adabelief final : public UpdateRule {
 public:
  explicit Adabelief(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the mean square deviation")),
        epsilon_(s.number("epsilon", 1e-16, base::Range::positive(), "added to the mean square deviation and to its root")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("deviation");
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const double rate = step.lr / (1 - std::pow(beta1_, t));
    const double stretch = 1 / std::sqrt(1 - std::pow(beta2_, t));
    return update_by([this, rate, stretch]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, scale, epsilon] = b.real(rate, stretch, epsilon_);
      const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict s = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        const Real away = g[i] - m[i];
        s[i] = beta2 * s[i] + rest2 * away * away + epsilon;
        x[i] -= lr * m[i] / (scale * std::sqrt(s[i]) + epsilon);
      }
    });
  }

 private:
  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace

extern const Entry entry_adabelief;
const Entry entry_adabelief{
    .name = "adabelief",
    .title = "AdaBelief: steps by the belief in the gradient",
    .rule =
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t; s_t = beta2 s_{t-1} + (1 - beta2) (g_t - m_t)^2 + epsilon\n"
        "x_t = x_{t-1} - lr mhat_t / (sqrt(shat_t) + epsilon), mhat = m / (1 - beta1^t), shat = s / (1 - beta2^t)",
    .source = "Zhuang et al., NeurIPS 2020, arXiv:2010.07468, algorithm 2; epsilon = 1e-16 as in Optax",
    .cost = "b gradients",
    .guarantee =
        "convex, bounded domain, s_t not decreasing: regret O(sqrt T); non-convex: |grad F|^2 = O(log T / sqrt T) with lr ~ "
        "1/sqrt t, under the same assumption, which the rule does not enforce",
    .make_rule = make<Adabelief, UpdateRule>,
};

}  // namespace talweg::optim
