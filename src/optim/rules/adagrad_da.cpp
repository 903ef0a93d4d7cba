// SPDX-License-Identifier: Apache-2.0
// AdaGrad by dual averaging (Duchi, Hazan & Singer 2011, equation 3):
//   G_t = G_{t-1} + g_t,  v_t = v_{t-1} + g_t^2
//   x_t = c - sign(G_t) lr max(|G_t| - t l1, 0) / (t lr l2 + d_t)
//   tf1     d = sqrt(v), v_0 = 0.1
//   paper   d = delta + sqrt(v), v_0 = 0
// centre c: 0, or x_0. With 0 the starting point is forgotten at the first step, where it counts through its gradient alone: a
// network would lose its random start, and with it what tells its units apart; such models are refused. The penalty
// l1 |x - c|_1 + (l2 / 2) |x - c|^2 is the rule's own, on every parameter: no Omega. lr scales all of x - c, not a step: the
// schedule should be constant. A step of rate 0 changes nothing.
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"
#include "talweg/error.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double initial = 0;
  double delta = 0;
};
constexpr Dialect<Defaults> kDialects[] = {{"tf1", {.initial = 0.1}}, {"paper", {.delta = 1e-8}}};

class AdagradDa final : public UpdateRule {
 public:
  explicit AdagradDa(const base::Section& s) : AdagradDa(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("gradient_sum");
    slots.vector("accumulator", initial_);
    if (centred_) slots.vector("centre", math::Initial::x0());
  }
  std::string_view ignores_moved_x() const override { return "l2"; }
  Needs needs() const override {
    return Needs{Need::smooth_omega, "its l1 and l2 are keys of [method]"} |
           Needs::when(!centred_, Need::convex, "with centre = \"zero\" a network's random start is lost");
  }

  Update begin(RuleStep& step) const override {
    if (step.lr == 0) return update_by([]<class Real>(const RuleBlock<Real>&) {});  // or all of x - c would be lost
    const auto t = static_cast<double>(step.t);
    return update_by([this, t, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, l1, l2, delta] = b.real(rate, t * l1_, t * rate * l2_, delta_);
      Real* __restrict sum = b.slots[0];
      Real* __restrict v = b.slots[1];
      const Real* __restrict g = b.g;
      Real* __restrict x = b.x;
      for (std::size_t i = 0; i < b.count; ++i) {
        sum[i] += g[i];
        v[i] += g[i] * g[i];
        const Real beyond = std::max(sum[i] - l1, Real{0}) - std::max(-l1 - sum[i], Real{0});
        x[i] = -lr * beyond / (l2 + (delta + std::sqrt(v[i])));
      }
      for (std::size_t i = 0; centred_ && i < b.count; ++i) x[i] += b.slots[2][i];
    });
  }

 private:
  AdagradDa(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        delta_(d.delta > 0 ? s.number("delta", d.delta, base::Range::positive(), "added to the root of v") : 0),
        initial_(s.number("initial_accumulator", d.initial, d.delta > 0 ? base::Range::non_negative() : base::Range::positive(),
                          "v_0")),
        l1_(s.number("l1", 0.0, base::Range::non_negative(), "weight of |x - c|_1")),
        l2_(s.number("l2", 0.0, base::Range::non_negative(), "weight of |x - c|^2 / 2")),
        centred_(s.choice("centre", "zero", {"zero", "initial"}, "c: what the sum of gradients leads away from") == "initial") {
  }

  double delta_;
  double initial_;
  double l1_;
  double l2_;
  bool centred_;
};

constexpr DialectMap kMaps[] = {
    {"tf1", "paper", "delta -> 0 and the v_0 of tf1", "delta = 1e-300\ninitial_accumulator = 0.1"},
};

}  // namespace

extern const Entry entry_adagrad_da;
const Entry entry_adagrad_da{
    .name = "adagrad_da",
    .title = "AdaGrad by dual averaging",
    .rule =
        "G_t = G_{t-1} + g_t; v_t = v_{t-1} + g_t^2; x_t = c - sign(G_t) lr max(|G_t| - t l1, 0) / (t lr l2 + d_t)\n"
        "tf1: d = sqrt(v); paper: d = delta + sqrt(v); centre c: 0 or x_0",
    .source =
        "Duchi, Hazan & Singer, JMLR 12 (2011), equation 3 (there with the mean gradient: the same x); TensorFlow 1's "
        "ApplyAdagradDA",
    .cost = "b gradients",
    .guarantee =
        "convex: regret of f + l1 |x|_1 + (l2/2) |x|^2 against any x within max_j |x_j| of 0: O(|x|_inf sum_j |g_{1:T,j}|_2) "
        "(theorem 5). For constant lr: it scales all of x - c; a step of rate 0 changes nothing",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<AdagradDa, UpdateRule>,
};

}  // namespace talweg::optim
