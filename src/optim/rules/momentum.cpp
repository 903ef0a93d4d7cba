// SPDX-License-Identifier: Apache-2.0
// Heavy-ball momentum (Polyak 1964) with the learning rate outside the buffer, as in TensorFlow and PyTorch:
//   a_1 = g_1,  a_t = momentum a_{t-1} + (1 - dampening) g_t
//   x_t = x_{t-1} - lr a_t,  with nesterov = true  x_t = x_{t-1} - lr (g_t + momentum a_t)
// A constant gradient g moves x by lr (1 - dampening) / (1 - momentum) g a step in the end: the prox takes that step, so that
// x stands still just where 0 is in g + the subgradients of Omega.
#include "talweg/base/error.hpp"
#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

class Momentum final : public ElementRule<Momentum> {
 public:
  explicit Momentum(const base::Section& s)
      : ElementRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        momentum_(s.number("momentum", 0.9, base::Range::decay(), "decay of the accumulated gradient")),
        dampening_(s.number("dampening", 0.0, base::Range::unit(), "share of each new gradient left out, the first excepted")),
        nesterov_(s.flag("nesterov", false, "look ahead, as the method of that name does; wants no dampening")) {
    if (nesterov_ && dampening_ != 0) {
      s.fail("dampening", fmt::format("{} beside nesterov = true", dampening_),
             "0: the look-ahead is defined without dampening");
    }
  }
  std::vector<std::string> slots() const override { return {"momentum"}; }

  template <class Real>
  void apply(const RuleStep& step, const RuleBlock<Real>& b) const {
    const Real lr = static_cast<Real>(step.lr);
    const Real momentum = static_cast<Real>(momentum_);
    const Real share = static_cast<Real>(step.t == 1 ? 1 : 1 - dampening_);
    Real* a = b.slots[0];
    for (std::size_t i = 0; i < b.count; ++i) {
      a[i] = momentum * a[i] + share * b.g[i];
      b.x[i] -= lr * (nesterov_ ? b.g[i] + momentum * a[i] : a[i]);
    }
    b.fill_prox_step(step.lr * (1 - dampening_) / (1 - momentum_));
  }

 private:
  double momentum_;
  double dampening_;
  bool nesterov_;
};

}  // namespace

extern const Entry entry_momentum;
const Entry entry_momentum{
    .name = "momentum",
    .title = "Heavy-ball momentum",
    .rule =
        "a_1 = g_1, a_t = momentum a_{t-1} + (1 - dampening) g_t; x_t = x_{t-1} - lr a_t;\n"
        "nesterov = true: x_t = x_{t-1} - lr (g_t + momentum a_t)",
    .source = "Polyak, USSR Comp. Math. 4 (1964); lr outside the buffer as in TensorFlow's ApplyMomentum and torch.optim.SGD",
    .cost = "b gradients",
    .make_rule = [](const base::Section& s) -> std::unique_ptr<UpdateRule> { return std::make_unique<Momentum>(s); },
};

}  // namespace talweg::optim
