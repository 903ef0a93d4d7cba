// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdagradDaRule = R"(
s_t = s_{t-1} + g_t;  v_t = v_{t-1} + g_t^2
x_t = c - sign(s_t) lr max(|s_t| - t l1, 0) / (t lr l2 + d_t)
tf1: d = sqrt(v), v_0 = 0.1
paper: d = delta + sqrt(v), v_0 = 0
The centre c is 0 or x_0. With 0 the starting point is lost at the first step: it counts through its gradient alone. Without
its random start a network could not tell its units apart, so networks are refused. The penalty l1 |x - c|_1 + (l2 / 2)
|x - c|^2 is the rule's own, on every parameter, and no part of F. As lr scales all of x - c, the schedule should be constant.
A step with lr = 0 changes nothing.
)";

struct AdagradDaDefaults {
  double initial = 0;
  double delta = 0;
};
constexpr Dialect<AdagradDaDefaults> kAdagradDaDialects[] = {{"tf1", {.initial = 0.1}}, {"paper", {.delta = 1e-8}}};

struct AdagradDa {
  Section method;
  AdagradDaDefaults dialect = choose(method, kAdagradDaDialects).values;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  double delta = dialect.delta > 0 ? method.number("delta", dialect.delta, Range::positive(), "added to the root of v") : 0;
  double initial = method.number("initial_accumulator", dialect.initial,
                                 dialect.delta > 0 ? Range::non_negative() : Range::positive(), "v_0");
  double l1 = method.number("l1", 0.0, Range::non_negative(), "weight of |x - c|_1");
  double l2 = method.number("l2", 0.0, Range::non_negative(), "weight of |x - c|^2 / 2");
  bool centred =
      method.choice("centre", "zero", {"zero", "initial"}, "c: what the sum of gradients leads away from") == "initial";

  void declare(math::StateLayout& slots) const {
    slots.vector("gradient_sum");
    slots.vector("accumulator", initial);
    if (centred) slots.vector("centre", math::Initial::x0());
  }
  std::string_view ignores_moved_x() const { return "l2"; }
  Needs needs() const {
    return Needs{Need::smooth_omega, "its l1 and l2 are keys of [method]"} |
           Needs::when(!centred, Need::convex, "with centre = \"zero\" a network's random start is lost");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const auto t = static_cast<double>(step.t);
    const auto from_centre = [lr = Real(step.lr), l1 = Real(t * l1), l2 = Real(t * step.lr * l2), delta = Real(delta)](
                                 Real g, Real& s, Real& v) {
      s += g;
      v += g * g;
      const Real beyond = std::max(s - l1, Real{0}) - std::max(-l1 - s, Real{0});
      return -lr * beyond / (l2 + (delta + std::sqrt(v)));
    };
    const auto about_zero = [=](Real& x, Real g, Real& s, Real& v) { x = from_centre(g, s, v); };
    const auto about_start = [=](Real& x, Real g, Real& s, Real& v, Real& c) { x = from_centre(g, s, v) + c; };
    const auto nothing = [](Real&, Real) {};
    return either(step.lr == 0, nothing, either(centred, about_start, about_zero));
  }
};

constexpr DialectMap kAdagradDaMaps[] = {
    {"tf1", "paper", "delta -> 0 and the v_0 of tf1", "delta = 1e-300\ninitial_accumulator = 0.1"},
};

}  // namespace

extern const Entry entry_adagrad_da;
const Entry entry_adagrad_da{
    .name = "adagrad_da",
    .title = "AdaGrad by dual averaging",
    .rule = text_of(kAdagradDaRule),
    .source =
        "Duchi, Hazan & Singer, JMLR 12 (2011), equation 3 (there with the mean gradient: the same x); TensorFlow 1's "
        "ApplyAdagradDA",
    .cost = "b gradients",
    .guarantee =
        "convex: regret of f + l1 |x|_1 + (l2/2) |x|^2 against any x within max_j |x_j| of 0: O(|x|_inf sum_j |g_{1:T,j}|_2) "
        "(theorem 5). For constant lr: it scales all of x - c; a step of rate 0 changes nothing",
    .dialects = dialect_names<kAdagradDaDialects>,
    .maps = kAdagradDaMaps,
    .make_rule = make_rule<AdagradDa>,
};

}  // namespace talweg::optim
