// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdagradRule = R"(
v_t = v_{t-1} + g_t^2          x_t = prox(x_{t-1} - lr g_t / d_t), the prox in the metric d_t / lr
torch, paper: d = sqrt(v) + epsilon, v_0 = 0
tf1: d = sqrt(v), v_0 = 0.1
keras: d = sqrt(v + epsilon), v_0 = 0.1
torch: lr / (1 + (t - 1) lr_decay) in place of lr
)";

struct AdagradDefaults {
  double lr = 0.01;
  double initial = 0;
  double epsilon = 1e-10;
  bool inside = false;  // epsilon under the root
  bool takes_epsilon = true;
};
constexpr Dialect<AdagradDefaults> kAdagradDialects[] = {
    {"torch", {}},
    {"paper", {.epsilon = 1e-8}},
    {"tf1", {.initial = 0.1, .epsilon = 0, .takes_epsilon = false}},
    {"keras", {.lr = 0.001, .initial = 0.1, .epsilon = 1e-7, .inside = true}}};

struct Adagrad {
  Section method;
  Dialect<AdagradDefaults> dialect = choose(method, kAdagradDialects);
  double lr = method.number("lr", dialect.values.lr, Range::positive(), "learning rate");
  double initial = method.number("initial_accumulator", dialect.values.initial,
                                 dialect.values.takes_epsilon ? Range::non_negative() : Range::positive(), "v_0");
  double epsilon = dialect.values.takes_epsilon
                       ? method.number("epsilon", dialect.values.epsilon, Range::positive(), "keeps the denominator from 0")
                       : 0;
  double lr_decay =
      dialect.name == "torch" ? method.number("lr_decay", 0.0, Range::non_negative(), "lr / (1 + (t - 1) lr_decay)") : 0;

  void declare(math::StateLayout& slots) const { slots.vector("accumulator", initial); }

  template <class Real>
  auto element(const RuleStep& step) const {
    const bool inside = dialect.values.inside;
    return [lr = Real(step.lr / (1 + static_cast<double>(step.t - 1) * lr_decay)), under = Real(inside ? epsilon : 0),
            outside = Real(inside ? 0 : epsilon)](Real& x, Real g, Real& v) {
      v += g * g;
      const Real d = std::sqrt(v + under) + outside;
      x -= lr * g / d;
      return lr / d;
    };
  }
};

constexpr DialectMap kAdagradMaps[] = {
    {"keras", "tf1", "initial_accumulator of tf1 = initial_accumulator + epsilon of keras: epsilon is added once and for all",
     "lr = 0.001\ninitial_accumulator = 0.1000001"},
    {"tf1", "torch", "none but epsilon = 0, which torch does not take: it stands outside the root"},
    {"keras", "torch", "none: sqrt(v + epsilon) is no sqrt(v) + constant"},
    {"tf1", "paper", "none but epsilon = 0, which paper does not take: it stands outside the root"},
    {"keras", "paper", "none: sqrt(v + epsilon) is no sqrt(v) + constant"},
    {"paper", "torch", "the same recurrence; epsilon differs", "epsilon = 1e-8"},
};

}  // namespace

extern const Entry entry_adagrad;
const Entry entry_adagrad{
    .name = "adagrad",
    .title = "AdaGrad: a rate for every coordinate",
    .rule = text_of(kAdagradRule),
    .source =
        "Duchi, Hazan & Singer, JMLR 12 (2011), composite mirror descent, figure 1; group lasso and ball in its metric: "
        "section 5; dialects after torch.optim.Adagrad, TensorFlow 1's ApplyAdagrad and Keras",
    .cost = "b gradients",
    .guarantee =
        "convex: regret <= (D_inf^2 / (2 lr) + lr) sum_j |g_{1:T,j}|_2 (theorem 5), with prox included: O(1/sqrt T) and less "
        "on sparse gradients. Non-convex: |grad F|^2 = O(log T / sqrt T) (Ward, Wu & Bottou 2019)",
    .dialects = dialect_names<kAdagradDialects>,
    .maps = kAdagradMaps,
    .make_rule = make_rule<Adagrad>,
};

}  // namespace talweg::optim
