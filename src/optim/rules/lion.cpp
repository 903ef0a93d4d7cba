// SPDX-License-Identifier: Apache-2.0
// Lion (Chen et al. 2023, algorithm 2): the sign of a mixture of gradient and momentum, which are mixed anew for the momentum:
//   x_t = x_{t-1} - lr (sign(beta1 m_{t-1} + (1 - beta1) g_t) + weight_decay x_{t-1})
//   m_t = beta2 m_{t-1} + (1 - beta2) g_t
#include "optim/registry.hpp"
#include "optim/sign.hpp"

namespace talweg::optim {
namespace {

class Lion final : public UpdateRule {
 public:
  explicit Lion(const base::Section& s)
      : UpdateRule(s.number("lr", 1e-4, base::Range::positive(), "learning rate: the size of every step")),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "weight of the momentum in the step")),
        beta2_(s.number("beta2", 0.99, base::Range::decay(), "decay of the momentum")),
        weight_decay_(s.number("weight_decay", 0.0, base::Range::non_negative(),
                               "times lr: share of every parameter that is taken off each step")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("momentum"); }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, weight_decay] = b.real(rate, weight_decay_);
      const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      for (std::size_t i = 0; i < b.count; ++i) {
        x[i] -= lr * (sign(beta1 * m[i] + rest1 * g[i]) + weight_decay * x[i]);
        m[i] = beta2 * m[i] + rest2 * g[i];
      }
    });
  }

 private:
  double beta1_;
  double beta2_;
  double weight_decay_;
};

}  // namespace

extern const Entry entry_lion;
const Entry entry_lion{
    .name = "lion",
    .title = "Lion: evolved sign momentum",
    .rule =
        "x_t = x_{t-1} - lr (sign(beta1 m_{t-1} + (1 - beta1) g_t) + weight_decay x_{t-1}); m_t = beta2 m_{t-1} + (1 - beta2) "
        "g_t",
    .source = "Chen et al., NeurIPS 2023, arXiv:2302.06675, algorithm 2",
    .cost = "b gradients",
    .guarantee =
        "none in the paper: found by search. With weight_decay it seeks the minimum of F in the box |x|_inf <= 1 / "
        "weight_decay (Chen et al. 2024); with lr constant it ends in steps of size lr",
    .make_rule = make<Lion, UpdateRule>,
};

}  // namespace talweg::optim
