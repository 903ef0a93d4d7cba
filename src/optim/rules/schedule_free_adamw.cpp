// SPDX-License-Identifier: Apache-2.0
// Schedule-free AdamW (Defazio et al. 2024):
//   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
//   z_t = z_{t-1} - rate_t (g_t / d_t + weight_decay y_{t-1})
//   x_t = (1 - c_t) x_{t-1} + c_t z_t,  y_t = (1 - beta1) z_t + beta1 x_t
// authors   rate_t = lr,                       d_t = sqrt(v_t / (1 - beta2^t)) + epsilon
// paper     rate_t = lr sqrt(1 - beta2^t),     d_t = sqrt(v_t) + epsilon
// g_t is taken at y_{t-1}; x is the output; c_t from rate_t: optim/schedule_free.hpp.
#include "optim/dialect.hpp"
#include "optim/registry.hpp"
#include "optim/schedule_free.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  bool corrects_rate = false;
};
constexpr Dialect<Defaults> kDialects[] = {{"authors", {}}, {"paper", {.corrects_rate = true}}};

class ScheduleFreeAdamw final : public UpdateRule {
 public:
  explicit ScheduleFreeAdamw(const base::Section& s)
      : UpdateRule(s.number("lr", 0.0025, base::Range::positive(), "learning rate")),
        corrects_rate_(choose(s, kDialects).values.corrects_rate),
        beta1_(s.number("beta1", 0.9, base::Range::unit(), "share of the average in the point of the gradients")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", 1e-8, base::Range::positive(), "added to the root of the second moment")),
        weight_decay_(s.number("weight_decay", 0.0, base::Range::non_negative(), "times y is added to the normalised step")),
        averaging_(s) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    averaging_.declare(slots);
    slots.vector("second_moment");
  }
  std::string_view output() const override { return ScheduleFree::kAverage; }
  std::string_view ignores_moved_x() const override { return "weight_decay"; }

  Update begin(RuleStep& step) const override {
    const double correction = std::sqrt(1 - std::pow(beta2_, static_cast<double>(step.t)));
    const double rate = corrects_rate_ ? step.lr * correction : step.lr;
    const double stretch = corrects_rate_ ? 1 : 1 / correction;
    const double share = averaging_.share(step.state(), step.t, rate);
    return update_by([=, this]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, scale, epsilon, weight_decay] = b.real(rate, stretch, epsilon_, weight_decay_);
      const auto [beta2, rest2] = b.real(beta2_, 1 - beta2_);
      const Real* __restrict g = b.g;
      Real* __restrict y = b.x;
      Real* __restrict z = b.slots[0];
      Real* __restrict v = b.slots[2];
      for (std::size_t i = 0; i < b.count; ++i) {
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
        z[i] -= lr * (g[i] / (scale * std::sqrt(v[i]) + epsilon) + weight_decay * y[i]);
      }
      ScheduleFree::average(b.count, share, beta1_, z, b.slots[1], y);
    });
  }

 private:
  bool corrects_rate_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
  ScheduleFree averaging_;
};

constexpr DialectMap kMaps[] = {
    {"paper", "authors",
     "with c = sqrt(1 - beta2^t): lr of authors = c lr, epsilon = epsilon / c of paper: they change with t, so no constants do "
     "it; equal as t grows, but that the first points weigh less in the average of paper"}};

}  // namespace

extern const Entry entry_schedule_free_adamw;
const Entry entry_schedule_free_adamw{
    .name = "schedule_free_adamw",
    .title = "Schedule-free AdamW",
    .rule =
        "v_t = beta2 v_{t-1} + (1 - beta2) g_t^2; z_t = z_{t-1} - rate_t (g_t / d_t + weight_decay y_{t-1}), g_t at y_{t-1};\n"
        "x_t = (1 - c_t) x_{t-1} + c_t z_t; y_t = (1 - beta1) z_t + beta1 x_t; the output is x; c_t as in schedule_free_sgd\n"
        "authors: rate = lr, d = sqrt(vhat) + epsilon; paper: rate = lr sqrt(1 - beta2^t), d = sqrt(v) + epsilon",
    .source =
        "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, NeurIPS 2024, arXiv:2405.15682; the authors' schedulefree: "
        "AdamWScheduleFree (authors), AdamWScheduleFreePaper (paper)",
    .cost = "b gradients",
    .guarantee =
        "none of its own: the paper turns a regret bound of the rule that moves z into one for x_T, and this rule for z is "
        "rmsprop, which has none",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<ScheduleFreeAdamw, UpdateRule>,
};

}  // namespace talweg::optim
