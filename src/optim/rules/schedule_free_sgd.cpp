// SPDX-License-Identifier: Apache-2.0
// Schedule-free sgd (Defazio et al. 2024, algorithm 1; momentum is its beta, weight_decay as in the authors' code):
//   z_t = z_{t-1} - lr (g_t + weight_decay y_{t-1})
//   x_t = (1 - c_t) x_{t-1} + c_t z_t,  y_t = (1 - momentum) z_t + momentum x_t
// g_t is taken at y_{t-1}; x is the output; c_t: optim/schedule_free.hpp. momentum = 0 is Polyak's average of sgd, 1 primal
// averaging.
#include "optim/registry.hpp"
#include "optim/schedule_free.hpp"

namespace talweg::optim {
namespace {

class ScheduleFreeSgd final : public UpdateRule {
 public:
  explicit ScheduleFreeSgd(const base::Section& s)
      : UpdateRule(s.number("lr", 1.0, base::Range::positive(), "learning rate")),
        momentum_(s.number("momentum", 0.9, base::Range::unit(), "share of the average in the point of the gradients")),
        weight_decay_(s.number("weight_decay", 0.0, base::Range::non_negative(), "times y is added to the gradient")),
        averaging_(s) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { averaging_.declare(slots); }
  std::string_view output() const override { return ScheduleFree::kAverage; }
  std::string_view ignores_moved_x() const override { return "weight_decay"; }

  Update begin(RuleStep& step) const override {
    const double share = averaging_.share(step.state(), step.t, step.lr);
    return update_by([this, share, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, weight_decay] = b.real(rate, weight_decay_);
      Real* __restrict y = b.x;
      Real* __restrict z = b.slots[0];
      for (std::size_t i = 0; i < b.count; ++i) z[i] -= lr * (b.g[i] + weight_decay * y[i]);
      ScheduleFree::average(b.count, share, momentum_, z, b.slots[1], y);
    });
  }

 private:
  double momentum_;
  double weight_decay_;
  ScheduleFree averaging_;
};

}  // namespace

extern const Entry entry_schedule_free_sgd;
const Entry entry_schedule_free_sgd{
    .name = "schedule_free_sgd",
    .title = "Schedule-free sgd",
    .rule =
        "z_t = z_{t-1} - lr (g_t + weight_decay y_{t-1}), g_t at y_{t-1}; x_t = (1 - c_t) x_{t-1} + c_t z_t;\n"
        "y_t = (1 - momentum) z_t + momentum x_t; the output is x; c_t = w_t / sum w,\n"
        "w_t = t^averaging_power (largest lr so far)^weight_lr_power. Meant for a constant schedule with warm-up",
    .source =
        "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, NeurIPS 2024, arXiv:2405.15682; weights as in the authors' code",
    .cost = "b gradients",
    .guarantee =
        "convex, gradients bounded by G, constant lr = D / (G sqrt T), any momentum: E F(x_T) - F* = O(D G / sqrt T), of the "
        "last x itself",
    .make_rule = make<ScheduleFreeSgd, UpdateRule>,
};

}  // namespace talweg::optim
