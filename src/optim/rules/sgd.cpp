// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient descent (Robbins & Monro 1951):
//   x_t = prox_lr(x_{t-1} - lr (g_t + weight_decay x_{t-1}))
// prox is the identity when Omega is smooth; with l1 or a box this is FOBOS (Duchi & Singer 2009). Unlike [regularizer].l2 the
// decay shrinks biases too and is no part of the objective that is reported (torch.optim.SGD's).
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

class Sgd final : public UpdateRule {
 public:
  explicit Sgd(const base::Section& s)
      : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        weight_decay_(s.number("weight_decay", 0.0, base::Range::non_negative(),
                               "times x is added to the gradient: like l2, but on every parameter and outside F")) {}
  Needs needs() const override { return {}; }

  Update begin(RuleStep& step) const override {
    return update_by([rate = step.lr, decay = weight_decay_]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, weight_decay] = b.real(rate, decay);
      for (std::size_t i = 0; i < b.count; ++i) b.x[i] -= lr * (b.g[i] + weight_decay * b.x[i]);
      b.prox([&](std::size_t) { return static_cast<Real>(rate); });
    });
  }

 private:
  double weight_decay_;
};

}  // namespace

extern const Entry entry_sgd;
const Entry entry_sgd{
    .name = "sgd",
    .title = "Stochastic gradient descent",
    .rule = "x_t = prox_lr(x_{t-1} - lr (g_t + weight_decay x_{t-1}))",
    .source =
        "Robbins & Monro, Ann. Math. Stat. 22 (1951); prox: FOBOS, Duchi & Singer, JMLR 10 (2009); weight_decay as in "
        "torch.optim.SGD",
    .cost = "b gradients",
    .guarantee =
        "convex, gradients bounded: E F(mean x) - F* = O(1/sqrt T) with lr ~ 1/sqrt T. Strongly convex: O(1/T) with lr ~ 1/t. "
        "L-Lipschitz gradient, variance sigma2: E |grad F|^2 = O(L D/T + sigma sqrt(L D/T)) (Ghadimi & Lan 2013), best "
        "possible for stochastic gradients up to constants (Arjevani et al. 2019)",
    .make_rule = make<Sgd, UpdateRule>,
};

}  // namespace talweg::optim
