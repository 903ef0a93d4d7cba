// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient descent (Robbins & Monro 1951):
//   x_t = x_{t-1} - lr g_t
#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

class Sgd final : public ElementRule<Sgd> {
 public:
  explicit Sgd(const base::Section& s) : ElementRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")) {}
  std::vector<std::string> slots() const override { return {}; }

  template <class Real>
  void apply(const RuleStep& step, const RuleBlock<Real>& b) const {
    const Real lr = static_cast<Real>(step.lr);
    for (std::size_t i = 0; i < b.count; ++i) b.x[i] -= lr * b.g[i];
    b.fill_prox_step(step.lr);
  }
};

}  // namespace

extern const Entry entry_sgd;
const Entry entry_sgd{
    .name = "sgd",
    .title = "Stochastic gradient descent",
    .rule = "x_t = x_{t-1} - lr g_t",
    .source = "Robbins & Monro, Ann. Math. Stat. 22 (1951)",
    .cost = "b gradients",
    .make_rule = [](const base::Section& s) -> std::unique_ptr<UpdateRule> { return std::make_unique<Sgd>(s); },
};

}  // namespace talweg::optim
