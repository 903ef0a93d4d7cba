// SPDX-License-Identifier: Apache-2.0
// AdaGrad, diagonal (Duchi, Hazan & Singer 2011; its composite mirror-descent form, figure 1):
//   v_t = v_{t-1} + g_t^2          x_t = prox_{lr / d_t}(x_{t-1} - lr g_t / d_t)
//   torch, paper   d = sqrt(v) + epsilon, v_0 = 0; torch: lr / (1 + (t - 1) lr_decay) in the place of lr
//   tf1            d = sqrt(v), v_0 = 0.1
//   keras          d = sqrt(v + epsilon), v_0 = 0.1
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 0.01;
  double initial = 0;
  double epsilon = 1e-10;
  bool inside = false;  // epsilon under the root
  bool takes_epsilon = true;
};
constexpr Dialect<Defaults> kDialects[] = {{"torch", {}},
                                           {"paper", {.epsilon = 1e-8}},
                                           {"tf1", {.initial = 0.1, .epsilon = 0, .takes_epsilon = false}},
                                           {"keras", {.lr = 0.001, .initial = 0.1, .epsilon = 1e-7, .inside = true}}};

class Adagrad final : public UpdateRule {
 public:
  explicit Adagrad(const base::Section& s) : Adagrad(s, choose(s, kDialects)) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("accumulator", initial_); }
  Needs needs() const override { return {}; }

  Update begin(RuleStep& step) const override {
    const double rate = step.lr / (1 + static_cast<double>(step.t - 1) * lr_decay_);
    return update_by([this, rate]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, under, beside] = b.real(rate, inside_ ? epsilon_ : 0.0, inside_ ? 0.0 : epsilon_);
      Real* __restrict v = b.slots[0];
      Real* __restrict x = b.x;
      for (std::size_t i = 0; i < b.count; ++i) {
        v[i] += b.g[i] * b.g[i];
        x[i] -= lr * b.g[i] / (std::sqrt(v[i] + under) + beside);
      }
      b.prox([&](std::size_t i) { return lr / (std::sqrt(v[i] + under) + beside); });
    });
  }

 private:
  Adagrad(const base::Section& s, const Dialect<Defaults>& d)
      : UpdateRule(s.number("lr", d.values.lr, base::Range::positive(), "learning rate")),
        inside_(d.values.inside),
        initial_(s.number("initial_accumulator", d.values.initial,
                          d.values.takes_epsilon ? base::Range::non_negative() : base::Range::positive(), "v_0")),
        epsilon_(d.values.takes_epsilon
                     ? s.number("epsilon", d.values.epsilon, base::Range::positive(), "keeps the denominator from 0")
                     : 0),
        lr_decay_(d.name == "torch" ? s.number("lr_decay", 0.0, base::Range::non_negative(), "lr / (1 + (t - 1) lr_decay)")
                                    : 0) {}

  bool inside_;
  double initial_;
  double epsilon_;
  double lr_decay_;
};

constexpr DialectMap kMaps[] = {
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
    .rule =
        "v_t = v_{t-1} + g_t^2; x_t = prox(x_{t-1} - lr g_t / d_t), prox in the metric d_t / lr\n"
        "torch, paper: d = sqrt(v) + epsilon; tf1: d = sqrt(v); keras: d = sqrt(v + epsilon)\n"
        "torch: lr / (1 + (t - 1) lr_decay) in the place of lr",
    .source =
        "Duchi, Hazan & Singer, JMLR 12 (2011), composite mirror descent, figure 1; group lasso and ball in its metric: "
        "section 5; dialects after torch.optim.Adagrad, TensorFlow 1's ApplyAdagrad and Keras",
    .cost = "b gradients",
    .guarantee =
        "convex: regret <= (D_inf^2 / (2 lr) + lr) sum_j |g_{1:T,j}|_2 (theorem 5), with prox included: O(1/sqrt T) and less "
        "on sparse gradients. Non-convex: |grad F|^2 = O(log T / sqrt T) (Ward, Wu & Bottou 2019)",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adagrad, UpdateRule>,
};

}  // namespace talweg::optim
