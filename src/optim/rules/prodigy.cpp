// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kProdigyRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) d_{t-1} g_t          v_t = beta2 v_{t-1} + (1 - beta2) d_{t-1}^2 g_t^2
r_t = beta3 r_{t-1} + (1 - beta3) lr d_{t-1}^2 <g_t, x_0 - x_{t-1}>,  s_t = beta3 s_{t-1} + (1 - beta3) lr d_{t-1}^2 g_t
d_t = max(d_{t-1}, r_t / |s_t|_1),  d_0 = d0
paper: x_t = x_{t-1} - lr d_{t-1} m_t / (sqrt(v_t) + d_{t-1} epsilon);  beta3 = sqrt(beta2)
authors: x_t = x_{t-1} (1 - weight_decay lr d_{t-1}) - lr d_{t-1} m_t / (sqrt(v_t) + d_t epsilon)
authors: d_coef times r_t / |s_t|_1; d_t <= growth_rate d_{t-1}, except when d grows for the first time
authors: bias_correction: lr sqrt(1 - beta2^t) / (1 - beta1^t) for lr; safeguard_warmup: 1 for lr in s
d estimates the distance to go. lr, 1, and the schedule are factors of the rate that is found.
)";

struct ProdigyDefaults {
  bool authors = true;
};
constexpr Dialect<ProdigyDefaults> kProdigyDialects[] = {{"authors", {}}, {"paper", {.authors = false}}};

struct Prodigy {
  static constexpr Grain grain = Grain::global;
  Section method;
  double lr = method.number("lr", 1.0, Range::positive(), "factor of the rate that is found");
  bool authors = choose(method, kProdigyDialects).values.authors;
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", 1e-8, Range::positive(), "times d, added to the root of the second moment");
  double d0 = method.number("d0", 1e-6, Range::positive(), "first estimate of the distance; small is safe");
  double beta3 = authors ? method.number("beta3", 0.0, Range::decay(), "decay of r and s; 0: sqrt(beta2)") : 0;
  double d_coef = authors ? method.number("d_coef", 1.0, Range::positive(), "times the estimate of the distance") : 1;
  double growth_rate =
      authors ? method.number("growth_rate", 0.0, Range::non_negative(), "most that d grows by in a step; 0: any") : 0;
  bool bias_correction = authors && method.flag("bias_correction", false, "adam's, of both moments");
  bool safeguard_warmup = authors && method.flag("safeguard_warmup", false, "leave lr out of s");
  double weight_decay = authors ? method.number("weight_decay", 0.0, Range::non_negative(),
                                                "times lr d: share of every parameter that is taken off each step")
                                : 0;

  void check() const {
    if (growth_rate != 0 && growth_rate < 1)
      method.fail("growth_rate", fmt::format("{}", growth_rate), "0, or at least 1: d never shrinks");
  }
  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment");
    slots.vector("prodigy.s");
    slots.vector("prodigy.start", math::Initial::x0());
    slots.scalar("prodigy.r");  // r and s are kept over (1 - beta3) d0, which cancels
    slots.scalar("prodigy.d", d0);
    slots.scalar("prodigy.largest", d0);  // of the estimates
  }

  Update begin(RuleStep& step) const {
    math::State& state = step.state();
    const double before = state.scalar("prodigy.d");
    const double rate = step.lr * correction(step.t);
    const double decay3 = beta3 > 0 ? beta3 : std::sqrt(beta2);
    const double weight = before / d0 * before;
    const double of_s = weight * (safeguard_warmup ? 1 : rate);
    const auto sweep = math::block_kernel([&]<class Real>(const math::Block&, math::Arrays<Real> arrays) {
      const auto [b1, rest1, b2, rest2] =
          RuleBlock<Real>::real(beta1, (1 - beta1) * before, beta2, (1 - beta2) * before * before);
      const auto [b3, rest3] = RuleBlock<Real>::real(decay3, of_s);
      Real* __restrict m = arrays.data[0];
      Real* __restrict v = arrays.data[1];
      Real* __restrict s = arrays.data[2];
      const Real* __restrict g = arrays.data[3];
      for (std::size_t i = 0; i < arrays.count; ++i) {
        m[i] = b1 * m[i] + rest1 * g[i];
        v[i] = b2 * v[i] + rest2 * g[i] * g[i];
        s[i] = b3 * s[i] + rest3 * g[i];
      }
      const Real* x = arrays.data[4];
      const Real* start = arrays.data[5];
      return math::Sums{math::lane_sum(arrays.count,
                                       [&](std::size_t i) {
                                         return static_cast<double>(g[i]) *
                                                (static_cast<double>(start[i]) - static_cast<double>(x[i]));
                                       }),
                        math::lane_sum(arrays.count, [&](std::size_t i) { return std::abs(static_cast<double>(s[i])); })};
    });
    const math::Sums sums =
        step.space().for_each_block({{state.vector("first_moment"), state.vector("second_moment"), state.vector("prodigy.s")}},
                                    {{step.g, step.context.x(), state.vector("prodigy.start")}}, sweep);
    double& r = state.scalar("prodigy.r");
    r = decay3 * r + weight * rate * sums[0];
    if (sums[1] > 0) estimate(state, d_coef * r / sums[1]);
    const double after = state.scalar("prodigy.d");
    return update_by([length = rate * before, shrink = 1 - weight_decay * rate * before,
                      added = epsilon * (authors ? after : before)]<class Real>(const RuleBlock<Real>& b) {
      const auto take_step = [length = Real(length), shrink = Real(shrink), epsilon = Real(added)](
                                 Real& x, Real, Real m, Real v) { x = shrink * x - length * m / (std::sqrt(v) + epsilon); };
      update_elements(take_step, b);
    });
  }

  double correction(std::int64_t t) const {
    const auto steps = static_cast<double>(t);
    return bias_correction ? std::sqrt(1 - std::pow(beta2, steps)) / (1 - std::pow(beta1, steps)) : 1;
  }

  void estimate(math::State& state, double found) const {
    double& d = state.scalar("prodigy.d");
    double& largest = state.scalar("prodigy.largest");
    if (d == d0) d = std::max(d, found);
    largest = std::max(largest, found);
    d = growth_rate > 0 ? std::min(largest, d * growth_rate) : largest;
  }
};

constexpr DialectMap kProdigyMaps[] = {
    {"paper", "authors",
     "epsilon of authors = epsilon of paper d_{t-1} / d_t: it changes with t, so no constant does "
     "it; equal while d stands still"}};

}  // namespace

extern const Entry entry_prodigy;
const Entry entry_prodigy{
    .name = "prodigy",
    .title = "Prodigy: Adam with a rate that is found",
    .rule = text_of(kProdigyRule),
    .source = "Mishchenko & Defazio, ICML 2024, arXiv:2306.06101; dialect authors after their prodigyopt",
    .cost = "b gradients",
    .guarantee =
        "none for this form. The paper's forms without moments: convex F, bounded subgradients, no noise: the optimum's rate "
        "but for sqrt(log(D / d0)), D = |x_0 - x*|, without knowing D",
    .dialects = dialect_names<kProdigyDialects>,
    .maps = kProdigyMaps,
    .make_rule = make_rule<Prodigy>,
};

}  // namespace talweg::optim
