// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient descent (Robbins & Monro 1951):
//   x_t = x_{t-1} - lr (g_t + weight_decay x_{t-1})
// Unlike [regularizer].l2 the decay shrinks biases too and is no part of the objective that is reported (torch.optim.SGD's).
#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

class Sgd final : public ElementRule<Sgd> {
 public:
  explicit Sgd(const base::Section& s)
      : ElementRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        weight_decay_(s.number("weight_decay", 0.0, base::Range::non_negative(),
                               "times x is added to the gradient: like l2, but on every parameter and outside F")) {}
  std::vector<std::string> slots() const override { return {}; }

  template <class Real>
  void apply(const RuleStep& step, const RuleBlock<Real>& b) const {
    const Real lr = static_cast<Real>(step.lr);
    const Real weight_decay = static_cast<Real>(weight_decay_);
    for (std::size_t i = 0; i < b.count; ++i) b.x[i] -= lr * (b.g[i] + weight_decay * b.x[i]);
    b.fill_prox_step(step.lr);
  }

 private:
  double weight_decay_;
};

}  // namespace

extern const Entry entry_sgd;
const Entry entry_sgd{
    .name = "sgd",
    .title = "Stochastic gradient descent",
    .rule = "x_t = x_{t-1} - lr (g_t + weight_decay x_{t-1})",
    .source = "Robbins & Monro, Ann. Math. Stat. 22 (1951); weight_decay as in torch.optim.SGD",
    .cost = "b gradients",
    .make_rule = [](const base::Section& s) -> std::unique_ptr<UpdateRule> { return std::make_unique<Sgd>(s); },
};

}  // namespace talweg::optim
