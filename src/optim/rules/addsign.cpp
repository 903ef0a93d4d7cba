// SPDX-License-Identifier: Apache-2.0
// Addsign (Bello et al. 2017): a longer step where gradient and momentum agree in sign, a shorter one where they do not:
//   m_t = beta m_{t-1} + (1 - beta) g_t          x_t = x_{t-1} - lr (alpha + sign(g_t) sign(m_t)) g_t
// without decay of the sign's part.
#include "optim/registry.hpp"
#include "optim/sign.hpp"

namespace talweg::optim {
namespace {

class Addsign final : public UpdateRule {
 public:
  explicit Addsign(const base::Section& s)
      : UpdateRule(s.number("lr", 0.1, base::Range::positive(), "learning rate")),
        beta_(s.number("beta", 0.9, base::Range::decay(), "decay of the momentum")),
        alpha_(s.number("alpha", 1.0, base::Range::non_negative(), "rate of a gradient without agreement")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("momentum"); }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, beta, rest] = b.real(rate, beta_, 1 - beta_);
      const auto [alpha] = b.real(alpha_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta * m[i] + rest * g[i];
        const Real agreement = sign(g[i]) * sign(m[i]);
        x[i] -= lr * (alpha + agreement) * g[i];
      }
    });
  }

 private:
  double beta_;
  double alpha_;
};

}  // namespace

extern const Entry entry_addsign;
const Entry entry_addsign{
    .name = "addsign",
    .title = "AddSign: gradient and momentum compared by sign",
    .rule = "m_t = beta m_{t-1} + (1 - beta) g_t; x_t = x_{t-1} - lr (alpha + sign(g_t) sign(m_t)) g_t",
    .source = "Bello, Zoph, Vasudevan & Le, ICML 2017, arXiv:1709.07417; form after TensorFlow 1's ApplyAddSign",
    .cost = "b gradients",
    .guarantee = "none: found by search",
    .make_rule = make<Addsign, UpdateRule>,
};

}  // namespace talweg::optim
