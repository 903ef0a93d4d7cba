// SPDX-License-Identifier: Apache-2.0
// Prodigy (Mishchenko & Defazio 2024, the Adam form): Adam whose rate is an estimate d of the distance to go.
//   m_t = beta1 m_{t-1} + (1 - beta1) d_{t-1} g_t          v_t = beta2 v_{t-1} + (1 - beta2) d_{t-1}^2 g_t^2
//   r_t = beta3 r_{t-1} + (1 - beta3) lr d_{t-1}^2 <g_t, x_0 - x_{t-1}>,  s_t = beta3 s_{t-1} + (1 - beta3) lr d_{t-1}^2 g_t
//   d_t = max(d_{t-1}, r_t / |s_t|_1);  x_t = x_{t-1} - lr d_{t-1} m_t / (sqrt(v_t) + D epsilon)
// paper     D = d_{t-1}; beta3 = sqrt(beta2)
// authors   D = d_t;  r_t / |s_t|_1 times d_coef;  d_t <= growth_rate d_{t-1}, but for the first time that d grows;
//           bias_correction: lr sqrt(1 - beta2^t) / (1 - beta1^t) for lr;  safeguard_warmup: 1 for lr in s;
//           x_{t-1} (1 - weight_decay lr d_{t-1}) for x_{t-1}
// lr, 1, and the schedule are factors of the rate that is found. r and s are kept over (1 - beta3) d_0: it cancels.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  bool authors = true;
};
constexpr Dialect<Defaults> kDialects[] = {{"authors", {}}, {"paper", {.authors = false}}};

class Prodigy final : public UpdateRule {
 public:
  explicit Prodigy(const base::Section& s)
      : UpdateRule(s.number("lr", 1.0, base::Range::positive(), "factor of the rate that is found")),
        authors_(choose(s, kDialects).values.authors),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", 1e-8, base::Range::positive(), "times d, added to the root of the second moment")),
        d0_(s.number("d0", 1e-6, base::Range::positive(), "first estimate of the distance; small is safe")) {
    if (!authors_) return;
    beta3_ = s.number("beta3", 0.0, base::Range::decay(), "decay of r and s; 0: sqrt(beta2)");
    d_coef_ = s.number("d_coef", 1.0, base::Range::positive(), "times the estimate of the distance");
    growth_rate_ = s.number("growth_rate", 0.0, base::Range::non_negative(), "most that d grows by in a step; 0: any");
    if (growth_rate_ != 0 && growth_rate_ < 1)
      s.fail("growth_rate", fmt::format("{}", growth_rate_), "0, or at least 1: d never shrinks");
    bias_correction_ = s.flag("bias_correction", false, "adam's, of both moments");
    safeguard_warmup_ = s.flag("safeguard_warmup", false, "leave lr out of s");
    weight_decay_ = s.number("weight_decay", 0.0, base::Range::non_negative(),
                             "times lr d: share of every parameter that is taken off each step");
  }
  Grain grain() const override { return Grain::global; }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment");
    slots.vector("prodigy.s");
    slots.vector("prodigy.start", math::Initial::x0());
    slots.scalar("prodigy.r");
    slots.scalar("prodigy.d", d0_);
    slots.scalar("prodigy.largest", d0_);  // of the estimates
  }

  Update begin(RuleStep& step) const override {
    math::State& state = step.state();
    const double before = state.scalar("prodigy.d");
    const double lr = step.lr * correction(step.t);
    const double beta3 = beta3_ > 0 ? beta3_ : std::sqrt(beta2_);
    const double weight = before / d0_ * before;
    const double of_s = weight * (safeguard_warmup_ ? 1 : lr);
    const auto sweep = math::block_kernel([&]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const auto [beta1, rest1, beta2, rest2] =
          RuleBlock<Real>::real(beta1_, (1 - beta1_) * before, beta2_, (1 - beta2_) * before * before);
      const auto [kept, fresh] = RuleBlock<Real>::real(beta3, of_s);
      Real* __restrict m = v.data[0];
      Real* __restrict n = v.data[1];
      Real* __restrict s = v.data[2];
      const Real* __restrict g = v.data[3];
      const Real* __restrict x = v.data[4];
      const Real* __restrict start = v.data[5];
      for (std::size_t i = 0; i < v.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        n[i] = beta2 * n[i] + rest2 * g[i] * g[i];
        s[i] = kept * s[i] + fresh * g[i];
      }
      return math::Sums{math::lane_sum(v.count,
                                       [&](std::size_t i) {
                                         return static_cast<double>(g[i]) *
                                                (static_cast<double>(start[i]) - static_cast<double>(x[i]));
                                       }),
                        math::lane_sum(v.count, [&](std::size_t i) { return std::abs(static_cast<double>(s[i])); })};
    });
    const math::Sums sums =
        step.space().for_each_block({{state.vector("first_moment"), state.vector("second_moment"), state.vector("prodigy.s")}},
                                    {{step.g, step.context.x(), state.vector("prodigy.start")}}, sweep);
    double& r = state.scalar("prodigy.r");
    r = beta3 * r + weight * lr * sums[0];
    if (sums[1] > 0) estimate(state, d_coef_ * r / sums[1]);
    const double after = state.scalar("prodigy.d");
    return update_by([added = epsilon_ * (authors_ ? after : before), rate = lr * before,
                      shrink = 1 - weight_decay_ * lr * before]<class Real>(const RuleBlock<Real>& b) {
      const auto [step_length, kept, epsilon] = b.real(rate, shrink, added);
      for (std::size_t i = 0; i < b.count; ++i)
        b.x[i] = kept * b.x[i] - step_length * b.slots[0][i] / (std::sqrt(b.slots[1][i]) + epsilon);
    });
  }

 private:
  double correction(std::int64_t t) const {
    const auto steps = static_cast<double>(t);
    return bias_correction_ ? std::sqrt(1 - std::pow(beta2_, steps)) / (1 - std::pow(beta1_, steps)) : 1;
  }

  void estimate(math::State& state, double found) const {
    double& d = state.scalar("prodigy.d");
    double& largest = state.scalar("prodigy.largest");
    if (d == d0_) d = std::max(d, found);
    largest = std::max(largest, found);
    d = growth_rate_ > 0 ? std::min(largest, d * growth_rate_) : largest;
  }

  bool authors_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double d0_;
  double beta3_ = 0;
  double d_coef_ = 1;
  double growth_rate_ = 0;
  bool bias_correction_ = false;
  bool safeguard_warmup_ = false;
  double weight_decay_ = 0;
};

constexpr DialectMap kMaps[] = {{"paper", "authors",
                                 "epsilon of authors = epsilon of paper d_{t-1} / d_t: it changes with t, so no constant does "
                                 "it; equal while d stands still"}};

}  // namespace

extern const Entry entry_prodigy;
const Entry entry_prodigy{
    .name = "prodigy",
    .title = "Prodigy: Adam with a rate that is found",
    .rule =
        "m, v as in adam, uncorrected, of d_{t-1} g_t; r_t = beta3 r_{t-1} + (1 - beta3) lr d_{t-1}^2 <g_t, x_0 - x_{t-1}>;\n"
        "s_t = beta3 s_{t-1} + (1 - beta3) lr d_{t-1}^2 g_t; d_t = max(d_{t-1}, r_t / |s_t|_1);\n"
        "x_t = x_{t-1} - lr d_{t-1} m_t / (sqrt(v_t) + d_{t-1} epsilon)\n"
        "authors: d_t epsilon; and d_coef, growth_rate, bias_correction, safeguard_warmup, weight_decay",
    .source = "Mishchenko & Defazio, ICML 2024, arXiv:2306.06101; dialect authors after their prodigyopt",
    .cost = "b gradients",
    .guarantee =
        "none for this form. The paper's forms without moments: convex F, bounded subgradients, no noise: the optimum's rate "
        "but for sqrt(log(D / d0)), D = |x_0 - x*|, without knowing D",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Prodigy, UpdateRule>,
};

}  // namespace talweg::optim
