// SPDX-License-Identifier: Apache-2.0
// Stochastic variance-reduced gradient (Johnson & Zhang 2013, option I), on minibatches B of b examples:
//   every m steps:   xs = x_{t-1},  mu = grad F(xs)
//   g_t = grad F_B(x_{t-1}) - grad F_B(xs) + mu
// m = snapshot_every passes of minibatches.
#include <algorithm>
#include <cmath>

#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

class Svrg final : public Estimator {
 public:
  explicit Svrg(const base::Section& s)
      : snapshot_every_(s.number("snapshot_every", 1.0, base::Range::positive(), "passes of minibatches between snapshots")) {}

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("svrg.snapshot");
    layout.vector("svrg.full_gradient");
  }

  Cost cost(const CostPoint& p) const override {
    return {.gradients = 2 * p.batch + (p.step % inner_steps(p.batches_per_epoch) == 0 ? p.n : 0)};
  }

  Estimate estimate(StepContext& context) const override {
    const Vector snapshot = context.state.vector("svrg.snapshot");
    const Vector mu = context.state.vector("svrg.full_gradient");
    const auto batches = static_cast<std::int64_t>(context.oracle.batches_per_epoch());
    if (context.progress.step % inner_steps(batches) == 0) {
      context.space().copy(context.x(), snapshot);
      context.oracle.gradient_into(snapshot, context.oracle.all(), mu);
    }
    return {.request = {.terms = {{1.0, context.x()}, {-1.0, snapshot}},
                        .shifts = {{1.0, mu}},
                        .batch = context.oracle.draw(static_cast<std::uint64_t>(context.progress.step))}};
  }

 private:
  std::int64_t inner_steps(std::int64_t batches_per_epoch) const {
    return std::max<std::int64_t>(1, std::llround(snapshot_every_ * static_cast<double>(batches_per_epoch)));
  }

  double snapshot_every_;
};

}  // namespace

extern const Entry entry_svrg;
const Entry entry_svrg{
    .name = "svrg",
    .title = "SVRG: stochastic variance-reduced gradient",
    .rule =
        "every snapshot_every passes xs = x, mu = grad F(xs); g_t = grad F_B(x_{t-1}) - grad F_B(xs) + mu; then the rule named "
        "by `rule`",
    .source = "Johnson & Zhang, NIPS 2013 (option I: the last inner iterate goes on)",
    .cost = "2 b gradients, and n at each snapshot",
    .guarantee =
        "f_i convex with L-Lipschitz gradients, F gamma-strongly convex, rule sgd, b = 1: each snapshot's gap shrinks by "
        "1 / (gamma lr (1 - 2 L lr) m) + 2 L lr / (1 - 2 L lr) in the mean (theorem 1, for option II, a random inner iterate)",
    .make_estimator = make<Svrg, Estimator>,
};

}  // namespace talweg::optim
