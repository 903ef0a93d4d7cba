// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/estimator.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kSarahRule = R"(
every m steps:  v_t = grad F(x_{t-1}),  m = refresh_passes passes of minibatches
else            v_t = grad F_B(x_{t-1}) - grad F_B(x_{t-2}) + v_{t-1}
then the rule named by `rule`. stop_ratio = gamma > 0 (SARAH+, algorithm 2; the paper's choice is 1/8): the inner loop also
ends where |v_t|^2 <= gamma |v|^2, v the last full gradient. In its theorems the paper draws the outer loop's point from
the inner iterates; here, as in its experiments, x goes on.
)";

class Sarah final : public Estimator {
 public:
  explicit Sarah(const base::Section& s)
      : passes_(s.number("refresh_passes", 1.0, base::Range::positive(), "passes of minibatches between full gradients")),
        stop_ratio_(
            s.number("stop_ratio", 0.0, base::Range::decay(),
                     "SARAH+'s gamma: |v|^2 below this share of the last full gradient's ends the inner loop; 0: off")) {}

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("sarah.gradient");  // v_{t-1}
    layout.vector("sarah.point");     // x_{t-2}
    layout.counter("sarah.inner");    // steps since the full gradient; 0: take one now
    if (stop_ratio_ > 0) layout.scalar("sarah.full_norm");
  }

  Cost cost(const CostPoint& p) const override {
    if (stop_ratio_ > 0) return {.gradients = std::max(p.n, 2 * p.batch), .bound = true};
    return {.gradients = p.step % inner_steps(p.batches_per_epoch) == 0 ? p.n : 2 * p.batch};
  }

  Estimate estimate(StepContext& context) const override {
    const Vector gradient = context.state.vector("sarah.gradient");
    const Vector point = context.state.vector("sarah.point");
    Estimate estimate{.request = {}, .keep_gradient = gradient, .keep_point = point};
    if (context.state.counter("sarah.inner") == 0) {
      estimate.request = {.terms = {{1.0, context.x()}}, .shifts = {}, .batch = context.oracle.all()};
    } else {
      estimate.request = {.terms = {{1.0, context.x()}, {-1.0, point}},
                          .shifts = {{1.0, gradient}},
                          .batch = context.oracle.draw(static_cast<std::uint64_t>(context.progress.step))};
    }
    return estimate;
  }

  void finish(StepContext& context) const override {
    std::int64_t& inner = context.state.counter("sarah.inner");
    const bool full = inner == 0;
    inner = (inner + 1) % inner_steps(static_cast<std::int64_t>(context.oracle.batches_per_epoch()));
    if (stop_ratio_ == 0) return;
    const double norm = context.space().norm(context.state.vector("sarah.gradient"));
    double& full_norm = context.state.scalar("sarah.full_norm");
    if (full) {
      full_norm = norm;
    } else if (norm * norm <= stop_ratio_ * full_norm * full_norm) {
      inner = 0;
    }
  }

 private:
  std::int64_t inner_steps(std::int64_t batches_per_epoch) const {
    return std::max<std::int64_t>(1, std::llround(passes_ * static_cast<double>(batches_per_epoch)));
  }

  double passes_;
  double stop_ratio_;
};

}  // namespace

extern const Entry entry_sarah;
const Entry entry_sarah{
    .name = "sarah",
    .title = "SARAH: stochastic recursive gradient",
    .rule = text_of(kSarahRule),
    .source = "Nguyen, Liu, Scheinberg & Takac, ICML 2017, arXiv:1703.00102, algorithms 1 and 2",
    .cost = "2 b gradients; n instead at each full gradient",
    .guarantee =
        "f_i convex with L-Lipschitz gradients, F mu-strongly convex, rule sgd, b = 1, a random inner iterate taken: |grad "
        "F|^2 shrinks by 1 / (mu lr (m + 1)) + lr L / (2 - lr L) an outer loop in the mean (theorem 4). SARAH+ is a heuristic",
    .make_estimator = make<Sarah, Estimator>,
};

}  // namespace talweg::optim
