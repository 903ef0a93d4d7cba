// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov & Hutter 2019, algorithm 2): Adam, with weight decay beside the gradient and not in it.
//   torch   x_t = x_{t-1} (1 - lr weight_decay) - lr mhat_t / (sqrt(vhat_t) + epsilon)
//   keras   x_t = x_{t-1} (1 - lr weight_decay) - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)
//   paper   x_t = x_{t-1} (1 - factor weight_decay) - lr mhat_t / (sqrt(vhat_t) + epsilon): the schedule's factor, without lr
// m, v as in adam.
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  bool epsilon_hat = false;
  bool decay_by_lr = true;
};
constexpr Dialect<Defaults> kDialects[] = {{"torch", {}},
                                           {"keras", {.epsilon = 1e-7, .weight_decay = 0.004, .epsilon_hat = true}},
                                           {"paper", {.weight_decay = 1e-5, .decay_by_lr = false}}};

class Adamw final : public UpdateRule {
 public:
  explicit Adamw(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        dialect_(choose(s, kDialects).values),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", dialect_.epsilon, base::Range::positive(), "added to the root of the second moment")),
        weight_decay_(s.number("weight_decay", dialect_.weight_decay, base::Range::non_negative(),
                               dialect_.decay_by_lr ? "times lr: share of every parameter that is taken off each step"
                                                    : "times the schedule's factor: share of every parameter taken off")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment");
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const double correction1 = 1 - std::pow(beta1_, t);
    const double correction2 = std::sqrt(1 - std::pow(beta2_, t));
    const double rate = dialect_.epsilon_hat ? step.lr * correction2 / correction1 : step.lr / correction1;
    const double stretch = dialect_.epsilon_hat ? 1 : 1 / correction2;
    const double kept = 1 - (dialect_.decay_by_lr ? step.lr : step.factor) * weight_decay_;
    return update_by([this, rate, stretch, kept]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, scale, epsilon, shrink] = b.real(rate, stretch, epsilon_, kept);
      const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict v = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
        x[i] = shrink * x[i] - lr * m[i] / (scale * std::sqrt(v[i]) + epsilon);
      }
    });
  }

 private:
  Defaults dialect_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
};

constexpr DialectMap kMaps[] = {
    {"paper", "torch", "weight_decay of torch = weight_decay of paper / lr, lr before the schedule", "weight_decay = 0.01"},
    {"torch", "paper", "weight_decay of paper = lr weight_decay of torch, lr before the schedule", "weight_decay = 1e-5"},
    {"keras", "torch",
     "epsilon of torch = epsilon of keras / sqrt(1 - beta2^t): it changes with t, so no constant does it; weight_decay is the "
     "same"},
    {"keras", "paper",
     "epsilon of paper = epsilon of keras / sqrt(1 - beta2^t): it changes with t, so no constant does it; weight_decay of "
     "paper = lr weight_decay of keras, lr before the schedule"},
};

}  // namespace

extern const Entry entry_adamw;
const Entry entry_adamw{
    .name = "adamw",
    .title = "AdamW: Adam with decoupled weight decay",
    .rule =
        "torch: x_t = x_{t-1} (1 - lr weight_decay) - lr mhat_t / (sqrt(vhat_t) + epsilon), m and v as in adam\n"
        "keras: the same with epsilon beside sqrt(v_t), not sqrt(vhat_t)\n"
        "paper: (1 - factor weight_decay), factor the schedule's, without lr",
    .source = "Loshchilov & Hutter, ICLR 2019, arXiv:1711.05101, algorithm 2; dialects after torch.optim.AdamW and Keras",
    .cost = "b gradients",
    .guarantee = "as adam's; it does not minimise F: stands still where lr mhat / (sqrt(vhat) + epsilon) balances the decay",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adamw, UpdateRule>,
};

}  // namespace talweg::optim
