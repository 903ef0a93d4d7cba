// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kNadamRule = R"(
mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)          product_t = mu_1 ... mu_t
m_t = beta1 m_{t-1} + (1 - beta1) g_t                   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
mhat_t = mu_{t+1} m_t / (1 - product_t mu_{t+1}) + (1 - mu_t) g_t / (1 - product_t)
x_t = x_{t-1} - lr mhat_t / (sqrt(v_t / (1 - beta2^t)) + epsilon)
The dialects differ in their defaults alone: momentum_decay is 0.004 in torch, and 1 in keras, where mu reaches beta1 within
some hundred steps.
)";

struct NadamDefaults {
  double lr = 0.002;
  double epsilon = 1e-8;
  double momentum_decay = 0.004;
};
constexpr Dialect<NadamDefaults> kNadamDialects[] = {{"torch", {}},
                                                     {"keras", {.lr = 0.001, .epsilon = 1e-7, .momentum_decay = 1}}};

struct Nadam {
  Section method;
  NadamDefaults dialect = choose(method, kNadamDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "learning rate");
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", dialect.epsilon, Range::positive(), "added to the root of the second moment");
  double momentum_decay = method.number("momentum_decay", dialect.momentum_decay, Range::non_negative(),
                                        "how soon the momentum reaches beta1; 0: it stays at half of it");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment");
    slots.scalar("nadam.product", 1.0);
  }

  double mu(std::int64_t t) const { return beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * momentum_decay)); }
  void advance(RuleStep& step) const { step.state().scalar("nadam.product") *= mu(step.t); }

  template <class Real>
  auto element(const RuleStep& step) const {
    const double product = step.state().scalar("nadam.product");
    const double next = mu(step.t + 1);
    return [lr_g = Real(step.lr * (1 - mu(step.t)) / (1 - product)), lr_m = Real(step.lr * next / (1 - product * next)),
            scale = Real(1 / std::sqrt(1 - std::pow(beta2, step.t))), epsilon = Real(epsilon), beta1 = Real(beta1),
            rest1 = Real(1 - beta1), beta2 = Real(beta2), rest2 = Real(1 - beta2)](Real& x, Real g, Real& m, Real& v) {
      m = beta1 * m + rest1 * g;
      v = beta2 * v + rest2 * g * g;
      x -= (lr_g * g + lr_m * m) / (scale * std::sqrt(v) + epsilon);
    };
  }
};

constexpr DialectMap kNadamMaps[] = {{"", "", "the same recurrence: defaults differ, momentum_decay among them, nothing else"}};

}  // namespace

extern const Entry entry_nadam;
const Entry entry_nadam{
    .name = "nadam",
    .title = "Nadam: Adam with Nesterov's momentum",
    .rule = text_of(kNadamRule),
    .source = "Dozat, ICLR workshop 2016; dialects after torch.optim.NAdam (its foreach path) and Keras",
    .cost = "b gradients",
    .guarantee =
        "none of its own; adam's counterexample (Reddi et al. 2018) concerns the second moment, which is the same here",
    .dialects = dialect_names<kNadamDialects>,
    .maps = kNadamMaps,
    .make_rule = make_rule<Nadam>,
};

}  // namespace talweg::optim
