// SPDX-License-Identifier: Apache-2.0
// Rprop (Riedmiller & Braun 1993; iRprop-, Igel & Huesken 2000, as in torch): a step of its own for each coordinate:
//   s_t = sign(g_t g'_{t-1})
//   d_t = d_{t-1} times eta_plus (s = 1), eta_minus (s = -1), 1 (s = 0), kept in [step_min, step_max]
//   g'_t = 0 where s = -1, else g_t          x_t = x_{t-1} - factor d_t sign(g'_t)
// d_0 = lr; factor is the schedule's alone, since lr is only where the steps begin. Signs of sampled gradients would change by
// chance: it is for full gradients.
#include <algorithm>

#include "optim/registry.hpp"
#include "optim/sign.hpp"

namespace talweg::optim {
namespace {

class Rprop final : public UpdateRule {
 public:
  explicit Rprop(const base::Section& s)
      : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "every coordinate's first step")),
        eta_minus_(s.number("eta_minus", 0.5, {.low = 0, .high = 1, .open_low = true, .open_high = true},
                            "times the step where the gradient changed its sign")),
        eta_plus_(s.number("eta_plus", 1.2, {.low = 1, .open_low = true}, "times the step where the gradient kept its sign")),
        step_min_(s.number("step_min", 1e-6, base::Range::positive(), "least step")),
        step_max_(s.number("step_max", 50.0, base::Range::at_least(step_min_), "largest step")) {
    if (s.kind("lr") == 's') s.fail("lr", "a multiple of 1/L", "a number: it is where the steps begin, not their scale");
  }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("step_size", lr());
    slots.vector("gradient");
  }
  Needs needs() const override {
    return Needs{Need::full_batch, "signs of sampled gradients change by chance"} | Needs{Need::smooth_omega};
  }

  Update begin(RuleStep& step) const override {
    return update_by([this, by = step.factor]<class Real>(const RuleBlock<Real>& b) {
      const auto [factor, minus, plus, least, most] = b.real(by, eta_minus_, eta_plus_, step_min_, step_max_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict d = b.slots[0];
      Real* __restrict previous = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        const Real same = sign(g[i]) * sign(previous[i]);  // the product of the two may underflow
        d[i] = std::min(std::max(d[i] * (same > 0 ? plus : same < 0 ? minus : Real{1}), least), most);
        const Real now = same < 0 ? Real{0} : g[i];
        x[i] -= factor * d[i] * sign(now);
        previous[i] = now;
      }
    });
  }

 private:
  double eta_minus_;
  double eta_plus_;
  double step_min_;
  double step_max_;
};

}  // namespace

extern const Entry entry_rprop;
const Entry entry_rprop{
    .name = "rprop",
    .title = "Rprop: resilient backpropagation",
    .rule =
        "s_t = sign(g_t g'_{t-1}); d_t = d_{t-1} times eta_plus (s = 1), eta_minus (s = -1), 1 (s = 0), in [step_min, "
        "step_max]; d_0 = lr\n"
        "g'_t = 0 where s = -1, else g_t; x_t = x_{t-1} - factor d_t sign(g'_t), factor the schedule's alone",
    .source = "Riedmiller & Braun, ICNN 1993; iRprop-: Igel & Huesken 2000; form after torch.optim.Rprop",
    .cost = "n gradients",
    .guarantee =
        "none for this form, which may cycle; convergence needs safeguards it has not (Anastasiadis, Magoulas & Vrahatis 2005)",
    .make_rule = make<Rprop, UpdateRule>,
};

}  // namespace talweg::optim
