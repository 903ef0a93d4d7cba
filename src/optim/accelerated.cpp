// SPDX-License-Identifier: Apache-2.0
#include "optim/accelerated.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "talweg/config.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

/// (y - next)'(next - x).
double turn(VectorSpace& space, Vector y, Vector next, Vector x) {
  const auto kernel = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
    return math::Sums{math::lane_sum(v.count, [&](std::size_t i) {
      const auto at = static_cast<double>(v[1][i]);
      return (static_cast<double>(v[0][i]) - at) * (at - static_cast<double>(v[2][i]));
    })};
  });
  return space.for_each_block({}, std::array{y, next, x}, kernel)[0];
}

}  // namespace

Accelerated::Accelerated(const base::Section& s, std::string name, bool smooth)
    : name_(std::move(name)),
      smooth_(smooth),
      lr_(StepSize::read(s, "lr", "1/L", "step length s; with a search the first one that is tried")),
      search_(s.choice("search", "none", {"none", "backtracking"}, "lr as it is, or shortened where it is too long") ==
              "backtracking"),
      strongly_convex_(s.choice("form", "convex", {"convex", "strongly_convex"}, "growing momentum, or that of a known mu") ==
                       "strongly_convex") {
  if (strongly_convex_)
    mu_ =
        s.number("strong_convexity", std::nullopt, base::Range::positive(), "mu: least curvature of F; l2, or less than it is");
  const std::string restart =
      s.choice("restart", "none", {"none", "gradient", "function"}, "when the momentum is dropped: never, or by which test");
  restart_ = restart == "none" ? Restart::none : restart == "gradient" ? Restart::gradient : Restart::function;
  if (search_) backtracking_ = Backtracking::read(s);
}

void Accelerated::declare(math::StateLayout& layout, const math::ParameterLayout&) const {
  StepSize::declare(layout);
  layout.vector(name_ + ".ahead", math::Initial::x0());  // y
  layout.scalar(name_ + ".momentum", 1);                 // k
  layout.scalar(name_ + ".length");                      // the last step's; 0: none yet
  layout.scalar(name_ + ".value");                       // F(x), where restarts ask for it
  layout.counter(name_ + ".restarts");
}

Cost Accelerated::cost(const CostPoint& p) const {
  Cost cost = lr_.cost(p) + Cost{.gradients = p.n};
  if (search_) cost = cost + Cost{.values = p.n * backtracking_.tries, .bound = true};
  if (restart_ == Restart::function) cost.values += p.n;
  return cost;
}

StepReport Accelerated::advance(StepContext& context) const {
  Oracle& oracle = context.oracle;
  VectorSpace& space = context.space();
  math::State& state = context.state;
  const Vector x = context.x();
  const Vector y = state.vector(name_ + ".ahead");
  double length = lr_.rate(context);
  double& last = state.scalar(name_ + ".length");
  double& k = state.scalar(name_ + ".momentum");
  double& value = state.scalar(name_ + ".value");

  const Temporary g(space);
  const Temporary next(space);
  const GradientAnswer answer = oracle.gradient_into(y, oracle.all(), g);
  StepReport report{.loss = answer.value};
  ProximalStep taken;
  if (search_) {
    if (last > 0) length = last;
    const double ahead = answer.value + oracle.smooth_omega(y);
    Tried tried(ahead);
    const auto accepted = backtrack(oracle, y, ahead, g, length, backtracking_, next, tried);
    report.gradient_norm = std::sqrt(answer.sums[0]);
    if (!accepted) return no_length_found(std::move(report), tried);
    taken = *accepted;
  } else {
    taken = proximal_step(oracle, y, g, length, next);
  }
  bool restarts = restart_ == Restart::gradient && turn(space, y, next, x) > 0;
  double new_value = 0;
  if (restart_ == Restart::function) {
    new_value = smooth_at(oracle, y, next).value + oracle.nonsmooth_omega(next);
    restarts = context.progress.step > 0 && new_value > value;
  }
  const double new_k = restarts ? 1 : (1 + std::sqrt(1 + 4 * k * k)) / 2;
  const double root = std::sqrt(std::min(1.0, mu_ * taken.length));
  const double b = restarts ? 0 : strongly_convex_ ? (1 - root) / (1 + root) : (k - 1) / new_k;

  const auto move = math::block_kernel([b]<class Real>(const math::Block&, math::Arrays<Real> v) {
    const Real factor = static_cast<Real>(b);
    const auto change = [&](std::size_t i) { return static_cast<double>(v[2][i]) - static_cast<double>(v[0][i]); };
    const double moved = math::lane_sum(v.count, [&](std::size_t i) { return change(i) * change(i); });
    for (std::size_t i = 0; i < v.count; ++i) {
      v[1][i] = v[2][i] + factor * (v[2][i] - v[0][i]);
      v[0][i] = v[2][i];
    }
    return math::Sums{moved};
  });
  taken.tell(report);
  report.update_norm = std::sqrt(space.for_each_block(std::array{x, y}, std::array<Vector, 1>{next}, move)[0]);
  last = taken.length;
  k = new_k;
  value = new_value;
  if (restarts) ++state.counter(name_ + ".restarts");
  return report;
}

}  // namespace talweg::optim
