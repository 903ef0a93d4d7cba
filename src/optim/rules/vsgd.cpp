// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/hutchinson.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kVsgdRule = R"(
m_t = (1 - 1/tau) m_{t-1} + g_t / tau                     v_t = (1 - 1/tau) v_{t-1} + g_t^2 / tau
h_t = (1 - 1/tau) h_{t-1} + (|c_t| + epsilon) / tau
x_t = x_{t-1} - lr r_t g_t / h_t,  r_t = m_t^2 / v_t      tau_t = (1 - r_t) tau_{t-1} + 1,  tau = tau_{t-1} above
c_t is the mean of `probes` products z * (H z) on minibatch t with signs z (Hutchinson), where the paper has bbprop. lr, 1, and
the schedule are factors of the rate that is found. The first slow_start steps only average: tau = t, x stays; then v and h are
multiplied by slow_constant (2 in the authors' code, d / 10 in the paper). A batch counts as one sample.
)";

struct Vsgd {
  Section method;
  double lr = method.number("lr", 1.0, Range::positive(), "factor of the rate that is found");
  std::int64_t probes = method.integer("probes", 1, {.low = 1, .high = 1000}, "Hessian-vector products a step");
  std::int64_t slow_start = method.integer("slow_start", 10, Range::at_least(1), "steps that average before x moves");
  double slow_constant = method.number("slow_constant", 2.0, Range::at_least(1), "times the averages of the slow start");
  double epsilon = method.number("epsilon", 1e-8, Range::positive(), "added to the curvature, keeps it from 0");

  void declare(math::StateLayout& slots) const {
    slots.vector("vsgd.mean");
    slots.vector("vsgd.square");
    slots.vector("curvature");
    slots.vector("vsgd.memory", 1.0);
  }
  Needs needs() const { return {Need::hvp, Need::smooth_omega}; }
  Cost cost(const CostPoint& p) const { return {.hvps = probes * p.batch}; }
  std::vector<Temporary> reads(RuleStep& step) const {
    std::vector<Temporary> estimate;
    estimate.push_back(hessian_diagonal(step.context, probes, Probe::sign));
    return estimate;
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const bool last = step.t == slow_start;  // of the steps that only average
    const auto average = [times = Real(last ? slow_constant : 1), epsilon = Real(epsilon)](Real g, Real& m, Real& v, Real& h,
                                                                                           Real tau, Real c) {
      const Real fresh = 1 / tau;
      m = (1 - fresh) * m + fresh * g;
      v = times * ((1 - fresh) * v + fresh * g * g);
      h = times * ((1 - fresh) * h + fresh * (std::abs(c) + epsilon));
    };
    const auto start = [average, more = Real(last ? 0 : 1)](Real&, Real g, Real& m, Real& v, Real& h, Real& tau, Real c) {
      average(g, m, v, h, tau, c);
      tau += more;
    };
    const auto move = [average, lr = Real(step.lr)](Real& x, Real g, Real& m, Real& v, Real& h, Real& tau, Real c) {
      average(g, m, v, h, tau, c);
      const Real ratio = v > 0 ? m * m / v : 0 * v;  // NaN stays NaN
      // By Cauchy and Schwarz m^2 <= v. Where rounding makes the ratio larger than 1, tau would fall below 1 and v run away.
      const Real r = ratio > 1 ? Real{1} : ratio;
      x -= lr * r * g / h;
      tau = (1 - r) * tau + 1;
    };
    return either(step.t > slow_start, move, start);
  }
};

}  // namespace

extern const Entry entry_vsgd;
const Entry entry_vsgd{
    .name = "vsgd",
    .title = "vSGD: rates from gradient variance and curvature",
    .rule = text_of(kVsgdRule),
    .source =
        "Schaul, Zhang & LeCun, ICML 2013, arXiv:1206.1106, algorithm 1 (vSGD-l), Hutchinson's estimate for bbprop; slow start "
        "as in the authors' py-optim",
    .cost = "b gradients, probes * b Hessian-vector products",
    .guarantee =
        "none in general: the rate is the one that lowers the expected loss most in one step of a noisy quadratic without "
        "cross terms (section 3 of the paper)",
    .make_rule = make_rule<Vsgd>,
};

}  // namespace talweg::optim
