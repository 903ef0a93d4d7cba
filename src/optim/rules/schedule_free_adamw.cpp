// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/schedule_free.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kScheduleFreeAdamwRule = R"(
v_t = beta2 v_{t-1} + (1 - beta2) g_t^2    z_t = z_{t-1} - rate_t (g_t / d_t + weight_decay y_{t-1}),  g_t at y_{t-1}
x_t = (1 - c_t) x_{t-1} + c_t z_t          y_t = (1 - beta1) z_t + beta1 x_t
authors: rate_t = lr,  d_t = sqrt(v_t / (1 - beta2^t)) + epsilon
paper: rate_t = lr sqrt(1 - beta2^t),  d_t = sqrt(v_t) + epsilon
The output is x. c_t is that of schedule_free_sgd, with rate_t in place of lr.
)";

struct ScheduleFreeAdamwDefaults {
  bool corrects_rate = false;
};
constexpr Dialect<ScheduleFreeAdamwDefaults> kScheduleFreeAdamwDialects[] = {{"authors", {}},
                                                                             {"paper", {.corrects_rate = true}}};

struct ScheduleFreeAdamw {
  Section method;
  double lr = method.number("lr", 0.0025, Range::positive(), "learning rate");
  bool corrects_rate = choose(method, kScheduleFreeAdamwDialects).values.corrects_rate;
  double beta1 = method.number("beta1", 0.9, Range::unit(), "share of the average in the point of the gradients");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", 1e-8, Range::positive(), "added to the root of the second moment");
  double weight_decay = method.number("weight_decay", 0.0, Range::non_negative(), "times y is added to the normalised step");
  ScheduleFree averaging{method};

  void declare(math::StateLayout& slots) const {
    averaging.declare(slots);
    slots.vector("second_moment");
  }
  std::string_view output() const { return ScheduleFree::kAverage; }
  std::string_view ignores_moved_x() const { return "weight_decay"; }

  double correction(const RuleStep& step) const { return std::sqrt(1 - std::pow(beta2, step.t)); }
  double rate(const RuleStep& step) const { return corrects_rate ? step.lr * correction(step) : step.lr; }
  void advance(RuleStep& step) const { averaging.advance(step.state(), step.t, rate(step)); }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [rate = Real(rate(step)), scale = Real(corrects_rate ? 1 : 1 / correction(step)), epsilon = Real(epsilon),
            weight_decay = Real(weight_decay), beta2 = Real(beta2), rest2 = Real(1 - beta2),
            average = averaging.average<Real>(step.state(), step.t, beta1)](Real& y, Real g, Real& z, Real& x, Real& v) {
      v = beta2 * v + rest2 * g * g;
      z -= rate * (g / (scale * std::sqrt(v) + epsilon) + weight_decay * y);
      average(z, x, y);
    };
  }
};

constexpr DialectMap kScheduleFreeAdamwMaps[] = {
    {"paper", "authors",
     "with c = sqrt(1 - beta2^t): lr of authors = c lr, epsilon = epsilon / c of paper: they change with t, so no constants do "
     "it; equal as t grows, but that the first points weigh less in the average of paper"}};

}  // namespace

extern const Entry entry_schedule_free_adamw;
const Entry entry_schedule_free_adamw{
    .name = "schedule_free_adamw",
    .title = "Schedule-free AdamW",
    .rule = text_of(kScheduleFreeAdamwRule),
    .source =
        "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, NeurIPS 2024, arXiv:2405.15682; the authors' schedulefree: "
        "AdamWScheduleFree (authors), AdamWScheduleFreePaper (paper)",
    .cost = "b gradients",
    .guarantee =
        "none of its own: the paper turns a regret bound of the rule that moves z into one for x_T, and this rule for z is "
        "rmsprop, which has none",
    .dialects = dialect_names<kScheduleFreeAdamwDialects>,
    .maps = kScheduleFreeAdamwMaps,
    .make_rule = make_rule<ScheduleFreeAdamw>,
};

}  // namespace talweg::optim
