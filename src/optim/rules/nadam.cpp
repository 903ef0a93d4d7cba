// SPDX-License-Identifier: Apache-2.0
// Nadam (Dozat 2016): Adam with Nesterov's momentum, whose decay mu_t grows towards beta1:
//   mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)          P_t = mu_1 ... mu_t
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t                   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
//   mhat_t = mu_{t+1} m_t / (1 - P_t mu_{t+1}) + (1 - mu_t) g_t / (1 - P_t)
//   x_t = x_{t-1} - lr mhat_t / (sqrt(v_t / (1 - beta2^t)) + epsilon)
// momentum_decay is 0.004 in torch and 1 in Keras, which therefore reaches beta1 within some hundred steps.
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 0.002;
  double epsilon = 1e-8;
  double momentum_decay = 0.004;
};
constexpr Dialect<Defaults> kDialects[] = {{"torch", {}}, {"keras", {.lr = 0.001, .epsilon = 1e-7, .momentum_decay = 1}}};

class Nadam final : public UpdateRule {
 public:
  explicit Nadam(const base::Section& s) : Nadam(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment");
    slots.scalar("nadam.product", 1.0);
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const auto mu = [this](double at) { return beta1_ * (1 - 0.5 * std::pow(0.96, at * momentum_decay_)); };
    double& product = step.state().scalar("nadam.product");
    product *= mu(t);
    const double of_gradient = step.lr * (1 - mu(t)) / (1 - product);
    const double of_moment = step.lr * mu(t + 1) / (1 - product * mu(t + 1));
    const double stretch = 1 / std::sqrt(1 - std::pow(beta2_, t));
    return update_by([this, of_gradient, of_moment, stretch]<class Real>(const RuleBlock<Real>& b) {
      const auto [fresh, past, scale, epsilon] = b.real(of_gradient, of_moment, stretch, epsilon_);
      const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict v = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
        x[i] -= (fresh * g[i] + past * m[i]) / (scale * std::sqrt(v[i]) + epsilon);
      }
    });
  }

 private:
  Nadam(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", d.lr, base::Range::positive(), "learning rate")),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", d.epsilon, base::Range::positive(), "added to the root of the second moment")),
        momentum_decay_(s.number("momentum_decay", d.momentum_decay, base::Range::non_negative(),
                                 "how soon the momentum reaches beta1; 0: it stays at half of it")) {}

  double beta1_;
  double beta2_;
  double epsilon_;
  double momentum_decay_;
};

constexpr DialectMap kMaps[] = {{"", "", "the same recurrence: defaults differ, momentum_decay among them, nothing else"}};

}  // namespace

extern const Entry entry_nadam;
const Entry entry_nadam{
    .name = "nadam",
    .title = "Nadam: Adam with Nesterov's momentum",
    .rule =
        "mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2); P_t = mu_1 ... mu_t; m, v as in adam\n"
        "mhat_t = mu_{t+1} m_t / (1 - P_t mu_{t+1}) + (1 - mu_t) g_t / (1 - P_t)\n"
        "x_t = x_{t-1} - lr mhat_t / (sqrt(vhat_t) + epsilon); dialects: defaults alone, momentum_decay 0.004 (torch), 1 "
        "(keras)",
    .source = "Dozat, ICLR workshop 2016; dialects after torch.optim.NAdam (its foreach path) and Keras",
    .cost = "b gradients",
    .guarantee =
        "none of its own; adam's counterexample (Reddi et al. 2018) concerns the second moment, which is the same here",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Nadam, UpdateRule>,
};

}  // namespace talweg::optim
