// SPDX-License-Identifier: Apache-2.0
#include "optim/pairs.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace talweg::optim {
namespace {

constexpr double kCurvature = 1e-12;  // least cosine between the s and y of a pair that is kept

}  // namespace

void Pairs::declare(math::StateLayout& layout) const {
  for (std::size_t k = 0; k < memory_; ++k) {
    layout.vector(name_ + ".s." + std::to_string(k));
    layout.vector(name_ + ".y." + std::to_string(k));
  }
  layout.array(name_ + ".sy", memory_);  // s'y and y'y by place in the ring
  layout.array(name_ + ".yy", memory_);
  layout.counter(name_ + ".pairs");
  layout.counter(name_ + ".next");  // place of the next one
}

std::size_t Pairs::place(math::State& state, std::size_t age) const {
  return (static_cast<std::size_t>(state.counter(name_ + ".next")) + 2 * memory_ - 1 - age) % memory_;
}

void Pairs::two_loop(StepContext& context, Vector g, Vector d) const {
  VectorSpace& space = context.space();
  math::State& state = context.state;
  const auto sy = state.array(name_ + ".sy");
  const auto yy = state.array(name_ + ".yy");
  const auto pairs = static_cast<std::size_t>(count(state));
  space.copy(g, d);
  space.scale(-1, d);
  std::vector<double> alpha(pairs);
  for (std::size_t age = 0; age < pairs; ++age) {
    const std::size_t p = place(state, age);
    alpha[age] = space.dot(s(state, p), d) / sy[p];
    space.axpy(-alpha[age], y(state, p), d);
  }
  if (pairs > 0) space.scale(sy[place(state, 0)] / yy[place(state, 0)], d);
  for (std::size_t age = pairs; age-- > 0;) {
    const std::size_t p = place(state, age);
    space.axpy(alpha[age] - space.dot(y(state, p), d) / sy[p], s(state, p), d);
  }
}

void Pairs::remember(StepContext& context, Vector x, Vector next, Vector g, Vector gradient) const {
  VectorSpace& space = context.space();
  math::State& state = context.state;
  const auto p = static_cast<std::size_t>(state.counter(name_ + ".next"));
  const Temporary step(space);
  const Temporary change(space);
  space.combine(1, next, -1, x, step);
  space.combine(1, gradient, -1, g, change);
  const double sy = space.dot(step, change);
  const double yy = space.dot(change, change);
  if (!(sy > kCurvature * space.norm(step) * std::sqrt(yy))) return;
  space.copy(step, s(state, p));
  space.copy(change, y(state, p));
  state.array(name_ + ".sy")[p] = sy;
  state.array(name_ + ".yy")[p] = yy;
  state.counter(name_ + ".next") = static_cast<std::int64_t>((p + 1) % memory_);
  count(state) = std::min<std::int64_t>(count(state) + 1, static_cast<std::int64_t>(memory_));
}

}  // namespace talweg::optim
