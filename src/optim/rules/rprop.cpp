// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "optim/sign.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kRpropRule = R"(
s_t = sign(g_t p_{t-1})
d_t = d_{t-1} times eta_plus (s = 1), eta_minus (s = -1), 1 (s = 0), kept in [step_min, step_max];  d_0 = lr
p_t = 0 where s = -1, else g_t          x_t = x_{t-1} - factor d_t sign(p_t)
As lr is only where the steps begin, factor is the schedule's alone.
)";

struct Rprop {
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "every coordinate's first step");
  double eta_minus = method.number("eta_minus", 0.5, {.low = 0, .high = 1, .open_low = true, .open_high = true},
                                   "times the step where the gradient changed its sign");
  double eta_plus =
      method.number("eta_plus", 1.2, {.low = 1, .open_low = true}, "times the step where the gradient kept its sign");
  double step_min = method.number("step_min", 1e-6, Range::positive(), "least step");
  double step_max = method.number("step_max", 50.0, Range::at_least(step_min), "largest step");

  void check() const {
    if (method.kind("lr") == 's')
      method.fail("lr", "a multiple of 1/L", "a number: it is where the steps begin, not their scale");
  }
  void declare(math::StateLayout& slots) const {
    slots.vector("step_size", lr);
    slots.vector("gradient");
  }
  Needs needs() const {
    return Needs{Need::full_batch, "signs of sampled gradients change by chance"} | Needs{Need::smooth_omega};
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [factor = Real(step.factor), eta_minus = Real(eta_minus), eta_plus = Real(eta_plus), least = Real(step_min),
            most = Real(step_max)](Real& x, Real g, Real& d, Real& p) {
      const Real s = sign(g) * sign(p);  // the product of the two may underflow
      d = std::min(std::max(d * (s > 0 ? eta_plus : s < 0 ? eta_minus : Real{1}), least), most);
      p = s < 0 ? Real{0} : g;
      x -= factor * d * sign(p);
    };
  }
};

}  // namespace

extern const Entry entry_rprop;
const Entry entry_rprop{
    .name = "rprop",
    .title = "Rprop: resilient backpropagation",
    .rule = text_of(kRpropRule),
    .source = "Riedmiller & Braun, ICNN 1993; iRprop-: Igel & Huesken 2000; form after torch.optim.Rprop",
    .cost = "n gradients",
    .guarantee =
        "none for this form, which may cycle; convergence needs safeguards it has not (Anastasiadis, Magoulas & Vrahatis 2005)",
    .make_rule = make_rule<Rprop>,
};

}  // namespace talweg::optim
