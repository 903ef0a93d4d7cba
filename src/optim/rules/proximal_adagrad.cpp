// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kProximalAdagradRule = R"(
v_t = v_{t-1} + g_t^2          a_t = lr / sqrt(v_t)          y_t = x_{t-1} - a_t g_t
x_t = sign(y_t) max(|y_t| - a_t l1, 0) / (1 + a_t l2)
AdaGrad's rates in FOBOS. l1 |x|_1 + (l2 / 2) |x|^2 acts on every parameter and is no part of the F that is reported. For an
Omega that is, use adagrad with dialect = "tf1" and [regularizer].
)";

struct ProximalAdagrad {
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate");
  double initial = method.number("initial_accumulator", 0.1, Range::positive(), "v_0");
  double l1 = method.number("l1", 0.0, Range::non_negative(), "weight of |x|_1");
  double l2 = method.number("l2", 0.0, Range::non_negative(), "weight of |x|^2 / 2");

  void declare(math::StateLayout& slots) const { slots.vector("accumulator", initial); }
  Needs needs() const { return {Need::smooth_omega, "its l1 and l2 are keys of [method]"}; }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr), l1 = Real(l1), l2 = Real(l2)](Real& x, Real g, Real& v) {
      v += g * g;
      const Real a = lr / std::sqrt(v);
      const Real y = x - a * g;
      const Real shrunk = std::max(y - a * l1, Real{0}) + std::min(y + a * l1, Real{0});
      x = shrunk / (1 + a * l2);
    };
  }
};

}  // namespace

extern const Entry entry_proximal_adagrad;
const Entry entry_proximal_adagrad{
    .name = "proximal_adagrad",
    .title = "AdaGrad with its own l1 and l2, by prox",
    .rule = text_of(kProximalAdagradRule),
    .source =
        "Duchi & Singer, JMLR 10 (2009); Duchi, Hazan & Singer, JMLR 12 (2011); form after TensorFlow 1's ApplyProximalAdagrad",
    .cost = "b gradients",
    .guarantee =
        "convex: adagrad's regret bound O(sqrt T) with the composite term included (Duchi, Hazan & Singer 2011, theorem 5)",
    .make_rule = make_rule<ProximalAdagrad>,
};

}  // namespace talweg::optim
