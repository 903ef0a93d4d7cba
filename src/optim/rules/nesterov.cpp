// SPDX-License-Identifier: Apache-2.0
// Nesterov's accelerated gradient in the form that stores the look-ahead point (Bengio et al. 2012; TensorFlow's and PyTorch's
// use_nesterov):
//   a_t = momentum a_{t-1} + g_t
//   x_t = x_{t-1} - lr (g_t + momentum a_t)
// A constant gradient g moves x by lr / (1 - momentum) g a step in the end: the prox takes that step, so that x stands still
// just where 0 is in g + the subgradients of Omega.
#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

class Nesterov final : public ElementRule<Nesterov> {
 public:
  explicit Nesterov(const base::Section& s)
      : ElementRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        momentum_(s.number("momentum", 0.9, base::Range::decay(), "decay of the accumulated gradient")) {}
  std::vector<std::string> slots() const override { return {"momentum"}; }

  template <class Real>
  void apply(const RuleStep& step, const RuleBlock<Real>& b) const {
    const Real lr = static_cast<Real>(step.lr);
    const Real momentum = static_cast<Real>(momentum_);
    Real* a = b.slots[0];
    for (std::size_t i = 0; i < b.count; ++i) {
      a[i] = momentum * a[i] + b.g[i];
      b.x[i] -= lr * (b.g[i] + momentum * a[i]);
    }
    b.fill_prox_step(step.lr / (1 - momentum_));
  }

 private:
  double momentum_;
};

}  // namespace

extern const Entry entry_nesterov;
const Entry entry_nesterov{
    .name = "nesterov",
    .title = "Nesterov's accelerated gradient",
    .rule = "a_t = momentum a_{t-1} + g_t; x_t = x_{t-1} - lr (g_t + momentum a_t)",
    .source =
        "Nesterov, Soviet Math. Dokl. 27 (1983); change of variable of Bengio et al., arXiv:1212.0901, as in TensorFlow and "
        "torch",
    .cost = "b gradients",
    .make_rule = [](const base::Section& s) -> std::unique_ptr<UpdateRule> { return std::make_unique<Nesterov>(s); },
};

}  // namespace talweg::optim
