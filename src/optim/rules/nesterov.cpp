// SPDX-License-Identifier: Apache-2.0
// Nesterov's accelerated gradient (1983), with a momentum that is given.
//   form = "stored"       the point that is kept is the look-ahead point (Bengio et al. 2012; TensorFlow's and PyTorch's
//                         use_nesterov):  a_t = momentum a_{t-1} + g_t,  x_t = x_{t-1} - lr (g_t + momentum a_t)
//   form = "look_ahead"   y_{t-1} = x_{t-1} + momentum v_{t-1},  x_t = prox_lr(y_{t-1} - lr g(y_{t-1})),  v_t = x_t - x_{t-1}
//                         (Nesterov 2013, Beck & Teboulle 2009; v_t = momentum v_{t-1} - lr g when Omega is smooth: Sutskever
//                         et al. 2013). Gradients are taken at y, the slot nesterov.iterate holds x, the output.
// With constant lr and momentum the y of the second is the x of the first.
#include "optim/momentum_schedule.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

class Nesterov final : public UpdateRule {
 public:
  explicit Nesterov(const base::Section& s)
      : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        momentum_(s, 0.9),
        look_ahead_(s.choice("form", "stored", {"stored", "look_ahead"}, "which point the parameters are") == "look_ahead") {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("momentum");
    if (look_ahead_) slots.vector("nesterov.iterate", math::Initial::x0());
  }
  std::string_view output() const override { return look_ahead_ ? "nesterov.iterate" : "x"; }
  std::string_view ignores_moved_x() const override { return look_ahead_ ? "form = \"stored\", whose x is the iterate" : ""; }
  Needs needs() const override { return Needs::when(!look_ahead_, Need::smooth_omega, "form = \"look_ahead\" has one"); }

  Update begin(RuleStep& step) const override {
    const double now = momentum_.at(step.t);
    if (!look_ahead_) {
      return update_by([now, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
        const auto [momentum, lr] = b.real(now, rate);
        Real* __restrict a = b.slots[0];
        for (std::size_t i = 0; i < b.count; ++i) {
          a[i] = momentum * a[i] + b.g[i];
          b.x[i] -= lr * (b.g[i] + momentum * a[i]);
        }
      });
    }
    const auto look = [next = momentum_.at(step.t + 1)]<class Real>(const RuleBlock<Real>& b) {
      const Real momentum = static_cast<Real>(next);
      Real* __restrict v = b.slots[0];
      Real* __restrict x = b.slots[1];
      Real* __restrict y = b.x;
      for (std::size_t i = 0; i < b.count; ++i) {
        v[i] = y[i] - x[i];
        x[i] = y[i];
        y[i] = x[i] + momentum * v[i];
      }
    };
    Update update = update_by([look, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const Real lr = static_cast<Real>(rate);
      Real* __restrict y = b.x;
      for (std::size_t i = 0; i < b.count; ++i) y[i] -= lr * b.g[i];
      b.prox([&](std::size_t) { return lr; });
      if (b.steps == nullptr) look(b);
    });
    update.after = block_update(look);
    return update;
  }

 private:
  MomentumSchedule momentum_;
  bool look_ahead_;
};

}  // namespace

extern const Entry entry_nesterov;
const Entry entry_nesterov{
    .name = "nesterov",
    .title = "Nesterov's accelerated gradient",
    .rule =
        "stored: a_t = momentum a_{t-1} + g_t; x_t = x_{t-1} - lr (g_t + momentum a_t)\n"
        "look_ahead: y = x_{t-1} + momentum v_{t-1}; x_t = prox_lr(y - lr g(y)); v_t = x_t - x_{t-1}; the output is x",
    .source =
        "Nesterov, Soviet Math. Dokl. 27 (1983); stored: change of variable of Bengio et al., arXiv:1212.0901, as in "
        "TensorFlow and torch; prox: Nesterov, Math. Prog. 140 (2013)",
    .cost = "b gradients",
    .guarantee =
        "full gradients, L-Lipschitz, mu-strongly convex, lr = 1/L, momentum (sqrt k - 1) / (sqrt k + 1), k = L / mu: F - F* "
        "<= (1 - 1/sqrt k)^t (D + mu |x0 - x*|^2 / 2), best possible. With a fixed momentum no 1/t^2 for merely convex F, with "
        "stochastic gradients no acceleration in general",
    .make_rule = make<Nesterov, UpdateRule>,
};

}  // namespace talweg::optim
