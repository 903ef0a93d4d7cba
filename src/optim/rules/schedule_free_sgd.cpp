// SPDX-License-Identifier: Apache-2.0
#include "optim/schedule_free.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kScheduleFreeSgdRule = R"(
z_t = z_{t-1} - lr (g_t + weight_decay y_{t-1}),  g_t at y_{t-1}
x_t = (1 - c_t) x_{t-1} + c_t z_t          y_t = (1 - momentum) z_t + momentum x_t
c_t = w_t / (w_1 + ... + w_t),  w_t = t^averaging_power (largest lr so far)^weight_lr_power
The output is x. momentum = 0 is Polyak's average of sgd, 1 primal averaging. Use a constant schedule with warm-up.
)";

struct ScheduleFreeSgd {
  Section method;
  double lr = method.number("lr", 1.0, Range::positive(), "learning rate");
  double momentum = method.number("momentum", 0.9, Range::unit(), "share of the average in the point of the gradients");
  double weight_decay = method.number("weight_decay", 0.0, Range::non_negative(), "times y is added to the gradient");
  ScheduleFree averaging{method};

  void declare(math::StateLayout& slots) const { averaging.declare(slots); }
  std::string_view output() const { return ScheduleFree::kAverage; }
  std::string_view ignores_moved_x() const { return "weight_decay"; }
  void advance(RuleStep& step) const { averaging.advance(step.state(), step.t, step.lr); }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr), weight_decay = Real(weight_decay),
            average = averaging.average<Real>(step.state(), step.t, momentum)](Real& y, Real g, Real& z, Real& x) {
      z -= lr * (g + weight_decay * y);
      average(z, x, y);
    };
  }
};

}  // namespace

extern const Entry entry_schedule_free_sgd;
const Entry entry_schedule_free_sgd{
    .name = "schedule_free_sgd",
    .title = "Schedule-free sgd",
    .rule = text_of(kScheduleFreeSgdRule),
    .source =
        "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, NeurIPS 2024, arXiv:2405.15682; weights as in the authors' code",
    .cost = "b gradients",
    .guarantee =
        "convex, gradients bounded by G, constant lr = D / (G sqrt T), any momentum: E F(x_T) - F* = O(D G / sqrt T), of the "
        "last x itself",
    .make_rule = make_rule<ScheduleFreeSgd>,
};

}  // namespace talweg::optim
