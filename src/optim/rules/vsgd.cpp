// SPDX-License-Identifier: Apache-2.0
// vSGD-l (Schaul, Zhang & LeCun 2013, algorithm 1): every coordinate finds its own rate and its own memory tau.
//   m = (1 - 1/tau) m + g / tau        v = (1 - 1/tau) v + g^2 / tau        h = (1 - 1/tau) h + (|c| + epsilon) / tau
//   x = x - lr r g / h,  r = m^2 / v (0 where v = 0)                          tau = (1 - r) tau + 1
// r <= 1, as m and v weigh alike (Cauchy & Schwarz); where rounding makes it more it is taken for 1, or tau would fall below 1,
// the newest would weigh more than all, and tau and v run away.
// c is an estimate of the Hessian's diagonal on minibatch t, the mean of `probes` products z * (H z) with signs z
// (Hutchinson) where the paper has bbprop; lr, 1, and the schedule are factors of the rate that is found.
// Slow start: the first slow_start steps only average (tau = t, x stays), then v and h are multiplied by slow_constant (2 in
// the authors' code, d / 10 in the paper). A batch counts as one sample: v of batch means is what the paper divides by for
// batches.
#include <cmath>

#include "optim/hutchinson.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

class Vsgd final : public UpdateRule {
 public:
  explicit Vsgd(const base::Section& s)
      : UpdateRule(s.number("lr", 1.0, base::Range::positive(), "factor of the rate that is found")),
        probes_(s.integer("probes", 1, {.low = 1, .high = 1000}, "Hessian-vector products a step")),
        slow_start_(s.integer("slow_start", 10, base::Range::at_least(1), "steps that average before x moves")),
        slow_constant_(s.number("slow_constant", 2.0, base::Range::at_least(1), "times the averages of the slow start")),
        epsilon_(s.number("epsilon", 1e-8, base::Range::positive(), "added to the curvature, keeps it from 0")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("vsgd.mean");
    slots.vector("vsgd.square");
    slots.vector("curvature");
    slots.vector("vsgd.memory", 1.0);
  }
  Needs needs() const override { return {Need::hvp, Need::smooth_omega}; }
  Cost cost(const CostPoint& p) const override { return {.hvps = probes_ * p.batch}; }

  Update begin(RuleStep& step) const override {
    std::vector<Temporary> estimate;
    estimate.push_back(hessian_diagonal(step.context, probes_, Probe::sign));
    const bool moves = step.t > slow_start_;
    const bool last = step.t == slow_start_;  // of those that only average
    return update_by(
        [=, this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
          const auto [lr, times, epsilon] = b.real(rate, last ? slow_constant_ : 1.0, epsilon_);
          const Real* __restrict g = b.g;
          const Real* __restrict c = b.reads[0];
          Real* __restrict m = b.slots[0];
          Real* __restrict v = b.slots[1];
          Real* __restrict h = b.slots[2];
          Real* __restrict tau = b.slots[3];
          for (std::size_t i = 0; i < b.count; ++i) {
            const Real fresh = 1 / tau[i];
            m[i] = (1 - fresh) * m[i] + fresh * g[i];
            v[i] = times * ((1 - fresh) * v[i] + fresh * g[i] * g[i]);
            h[i] = times * ((1 - fresh) * h[i] + fresh * (std::abs(c[i]) + epsilon));
          }
          if (!moves) {
            for (std::size_t i = 0; !last && i < b.count; ++i) tau[i] += 1;
            return;
          }
          for (std::size_t i = 0; i < b.count; ++i) {
            const Real ratio = v[i] > 0 ? m[i] * m[i] / v[i] : 0 * v[i];  // NaN stays NaN
            const Real r = ratio > 1 ? Real{1} : ratio;                   // by rounding alone: see the head
            b.x[i] -= lr * r * g[i] / h[i];
            tau[i] = (1 - r) * tau[i] + 1;
          }
        },
        std::move(estimate));
  }

 private:
  std::int64_t probes_;
  std::int64_t slow_start_;
  double slow_constant_;
  double epsilon_;
};

}  // namespace

extern const Entry entry_vsgd;
const Entry entry_vsgd{
    .name = "vsgd",
    .title = "vSGD: rates from gradient variance and curvature",
    .rule =
        "m, v, h: means of g, g^2, |c| + epsilon with weight 1/tau on the newest, c = mean of `probes` z * (H z), z signs\n"
        "x_t = x_{t-1} - lr (m^2 / v) g / h; tau = (1 - m^2 / v) tau + 1\n"
        "the first slow_start steps only average, then v and h are multiplied by slow_constant",
    .source =
        "Schaul, Zhang & LeCun, ICML 2013, arXiv:1206.1106, algorithm 1 (vSGD-l), Hutchinson's estimate for bbprop; slow start "
        "as in the authors' py-optim",
    .cost = "b gradients, probes * b Hessian-vector products",
    .guarantee =
        "none in general: the rate is the one that lowers the expected loss most in one step of a noisy quadratic without "
        "cross terms (section 3 of the paper)",
    .make_rule = make<Vsgd, UpdateRule>,
};

}  // namespace talweg::optim
