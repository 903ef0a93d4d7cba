// SPDX-License-Identifier: Apache-2.0
// Powersign (Bello et al. 2017): a longer step where gradient and momentum agree in sign, a shorter one where they do not:
//   m_t = beta m_{t-1} + (1 - beta) g_t          x_t = x_{t-1} - lr base^(sign(g_t) sign(m_t)) g_t
// without decay of the sign's part.
#include "optim/registry.hpp"
#include "optim/sign.hpp"

namespace talweg::optim {
namespace {

class Powersign final : public UpdateRule {
 public:
  explicit Powersign(const base::Section& s)
      : UpdateRule(s.number("lr", 0.1, base::Range::positive(), "learning rate")),
        beta_(s.number("beta", 0.9, base::Range::decay(), "decay of the momentum")),
        base_(s.number("base", 2.718281828459045, base::Range::positive(),
                       "times the rate where both agree, the rate over it where not")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("momentum"); }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, beta, rest] = b.real(rate, beta_, 1 - beta_);
      const auto [up, down] = b.real(base_, 1 / base_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta * m[i] + rest * g[i];
        const Real agreement = sign(g[i]) * sign(m[i]);
        x[i] -= lr * (agreement > 0 ? up : agreement < 0 ? down : Real{1}) * g[i];
      }
    });
  }

 private:
  double beta_;
  double base_;
};

}  // namespace

extern const Entry entry_powersign;
const Entry entry_powersign{
    .name = "powersign",
    .title = "PowerSign: gradient and momentum compared by sign",
    .rule = "m_t = beta m_{t-1} + (1 - beta) g_t; x_t = x_{t-1} - lr base^(sign(g_t) sign(m_t)) g_t",
    .source = "Bello, Zoph, Vasudevan & Le, ICML 2017, arXiv:1709.07417; form after TensorFlow 1's ApplyPowerSign",
    .cost = "b gradients",
    .guarantee = "none: found by search",
    .make_rule = make<Powersign, UpdateRule>,
};

}  // namespace talweg::optim
