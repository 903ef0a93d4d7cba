// SPDX-License-Identifier: Apache-2.0
// Signum (Bernstein et al. 2018): the sign of the momentum, and with momentum = 0 signSGD, the sign of the gradient:
//   m_t = momentum m_{t-1} + (1 - momentum) g_t          x_t = x_{t-1} - lr (sign(m_t) + weight_decay x_{t-1})
// sign(0) = 0.
#include "optim/registry.hpp"
#include "optim/sign.hpp"

namespace talweg::optim {
namespace {

class Signum final : public UpdateRule {
 public:
  explicit Signum(const base::Section& s)
      : UpdateRule(s.number("lr", 1e-3, base::Range::positive(), "learning rate: the size of every step")),
        momentum_(s.number("momentum", 0.9, base::Range::decay(), "decay of the momentum; 0: signSGD")),
        weight_decay_(s.number("weight_decay", 0.0, base::Range::non_negative(),
                               "times lr: share of every parameter that is taken off each step")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    if (momentum_ > 0) slots.vector("momentum");
  }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, weight_decay, momentum, rest] = b.real(rate, weight_decay_, momentum_, 1 - momentum_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      if (momentum_ > 0) {
        Real* __restrict m = b.slots[0];
        for (std::size_t i = 0; i < b.count; ++i) {
          m[i] = momentum * m[i] + rest * g[i];
          x[i] -= lr * (sign(m[i]) + weight_decay * x[i]);
        }
      } else {
        for (std::size_t i = 0; i < b.count; ++i) x[i] -= lr * (sign(g[i]) + weight_decay * x[i]);
      }
    });
  }

 private:
  double momentum_;
  double weight_decay_;
};

}  // namespace

extern const Entry entry_signum;
const Entry entry_signum{
    .name = "signum",
    .title = "Signum and signSGD: steps by sign",
    .rule =
        "m_t = momentum m_{t-1} + (1 - momentum) g_t; x_t = x_{t-1} - lr (sign(m_t) + weight_decay x_{t-1}); momentum = 0: "
        "signSGD",
    .source = "Bernstein, Wang, Azizzadenesheli & Anandkumar, ICML 2018, arXiv:1802.04434",
    .cost = "b gradients",
    .guarantee =
        "non-convex, batch growing with T: E |grad F|_1 = O(1/sqrt T). With a fixed batch it may diverge, even for convex F "
        "(Karimireddy et al. 2019), unless the noise is symmetric about a single mode",
    .make_rule = make<Signum, UpdateRule>,
};

}  // namespace talweg::optim
