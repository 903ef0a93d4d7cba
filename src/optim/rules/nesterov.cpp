// SPDX-License-Identifier: Apache-2.0
#include "optim/momentum_schedule.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kNesterovRule = R"(
stored: a_t = momentum a_{t-1} + g_t;  x_t = x_{t-1} - lr (g_t + momentum a_t)
look_ahead: y_{t-1} = x_{t-1} + momentum v_{t-1};  x_t = prox_lr(y_{t-1} - lr g(y_{t-1}));  v_t = x_t - x_{t-1}
The output of look_ahead is x, and for a smooth Omega v_t = momentum v_{t-1} - lr g. With constant lr and momentum its y is the
x of stored.
)";

struct Nesterov {
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  MomentumSchedule momentum{method, 0.9};
  bool look_ahead = method.choice("form", "stored", {"stored", "look_ahead"}, "which point the parameters are") == "look_ahead";

  void declare(math::StateLayout& slots) const {
    slots.vector("momentum");
    if (look_ahead) slots.vector("nesterov.iterate", math::Initial::x0());
  }
  std::string_view output() const { return look_ahead ? "nesterov.iterate" : "x"; }
  std::string_view ignores_moved_x() const { return look_ahead ? "form = \"stored\", whose x is the iterate" : ""; }
  Needs needs() const { return Needs::when(!look_ahead, Need::smooth_omega, "form = \"look_ahead\" has one"); }

  Update begin(RuleStep& step) const {
    const double lr = step.lr;
    if (!look_ahead) {
      return update_by([lr, momentum = momentum.at(step.t)]<class Real>(const RuleBlock<Real>& b) {
        const auto stored = [lr = Real(lr), momentum = Real(momentum)](Real& x, Real g, Real& a) {
          a = momentum * a + g;
          x -= lr * (g + momentum * a);
        };
        update_elements(stored, b);
      });
    }
    // The slot "x" is y, where gradients are taken.
    const auto look = [momentum = momentum.at(step.t + 1)]<class Real>(const RuleBlock<Real>& b) {
      Real* __restrict v = b.slots[0];
      Real* __restrict x = b.slots[1];
      Real* __restrict y = b.x;
      for (std::size_t i = 0; i < b.count; ++i) {
        v[i] = y[i] - x[i];
        x[i] = y[i];
        y[i] = x[i] + Real(momentum) * v[i];
      }
    };
    Update update = update_by([look, lr]<class Real>(const RuleBlock<Real>& b) {
      const auto descend = [lr = Real(lr)](Real& y, Real g) {
        y -= lr * g;
        return lr;
      };
      update_elements(descend, b);
      if (b.steps == nullptr) look(b);
    });
    update.after = block_update(look);
    return update;
  }
};

}  // namespace

extern const Entry entry_nesterov;
const Entry entry_nesterov{
    .name = "nesterov",
    .title = "Nesterov's accelerated gradient",
    .rule = text_of(kNesterovRule),
    .source =
        "Nesterov, Soviet Math. Dokl. 27 (1983); stored: change of variable of Bengio et al., arXiv:1212.0901, as in "
        "TensorFlow and torch; prox: Nesterov, Math. Prog. 140 (2013)",
    .cost = "b gradients",
    .guarantee =
        "full gradients, L-Lipschitz, mu-strongly convex, lr = 1/L, momentum (sqrt k - 1) / (sqrt k + 1), k = L / mu: F - F* "
        "<= (1 - 1/sqrt k)^t (D + mu |x0 - x*|^2 / 2), best possible. With a fixed momentum no 1/t^2 for merely convex F, with "
        "stochastic gradients no acceleration in general",
    .make_rule = make_rule<Nesterov>,
};

}  // namespace talweg::optim
