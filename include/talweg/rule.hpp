// SPDX-License-Identifier: Apache-2.0
// What to do with a gradient estimate. Most rules work element by element and are written as talweg/elementwise.hpp shows; this
// is the general form. begin() computes once a step, in double, whatever is constant over the step, and returns the loop over a
// block. FirstOrder puts an estimator before the rule, and clipping, prox and averages around it.
//
// With grain element, begin() runs before the gradient is requested, and the loop runs on each block of the gradient as soon as
// it is complete. Rules of the other two grains find the whole gradient in step.g when begin() runs, and may change it there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "talweg/method.hpp"
#include "talweg/proximal.hpp"

namespace talweg::optim {

/// One block of the step's vectors, `count` elements each.
template <class Real>
class RuleBlock {
 public:
  const math::Block& block;  // whose tensor, and where
  std::size_t count = 0;
  Real* x = nullptr;             // in: x_{t-1}, out: x_t
  const Real* before = nullptr;  // x_{t-1}
  const Real* g = nullptr;       // gradient estimate
  std::span<Real* const> slots;  // the rule's vectors, in the order it declared them
  std::span<Real* const> reads;  // those of Update::reads

  const math::Proximal* proximal = nullptr;  // null: Omega is smooth
  Real* steps = nullptr;                     // [count], not null when Omega couples coordinates: see Update::after

  /// Coefficients in the run's precision: const auto [lr, beta] = b.real(lr_, beta_).
  template <class... Doubles>
  static std::array<Real, sizeof...(Doubles)> real(Doubles... values) {
    return {static_cast<Real>(values)...};
  }
  /// x = prox of the non-smooth part of Omega at x, where coordinate i took a step of step_of(i). Nothing when Omega is smooth.
  /// Where Omega couples coordinates (`steps` is not null) that of its separable part: the rest follows once the loop has seen
  /// all of x.
  template <class StepOf>
  void prox(StepOf step_of) const {
    if (proximal == nullptr) return;
    alignas(64) std::array<Real, math::ParameterLayout::kBlock> step;
    for (std::size_t i = 0; i < count; ++i) step[i] = step_of(i);
    prox_with(std::span<const Real>(step).first(count));
  }
  /// The same with all the steps at once. Omega is not smooth.
  void prox_with(std::span<const Real> step) const {
    proximal->apply(block, std::span<Real>(x, count), step);
    if (steps != nullptr) std::ranges::copy(step, steps);
  }
};

/// The loop over a block, in either precision.
class BlockUpdate {
 public:
  virtual ~BlockUpdate() = default;
  virtual void run(const RuleBlock<float>&) const = 0;
  virtual void run(const RuleBlock<double>&) const = 0;
};

/// What a step does to each block.
struct Update {
  std::unique_ptr<BlockUpdate> loop;
  std::vector<Temporary> reads;  // more vectors that the loop reads; they live until the step is over
  // What remains to be done after a prox that couples coordinates: in its blocks x is the prox, `before` is x as the loop left
  // it, and there is no g. Null: nothing.
  std::unique_ptr<BlockUpdate> after{};
};

/// A BlockUpdate from a generic callable `void f(const RuleBlock<Real>&)`.
template <class F>
std::unique_ptr<BlockUpdate> block_update(F f) {
  class Loop final : public BlockUpdate {
   public:
    explicit Loop(F f) : f_(std::move(f)) {}
    void run(const RuleBlock<float>& b) const override { f_(b); }
    void run(const RuleBlock<double>& b) const override { f_(b); }

   private:
    F f_;
  };
  return std::make_unique<Loop>(std::move(f));
}

template <class F>
Update update_by(F f, std::vector<Temporary> reads = {}) {
  return {block_update(std::move(f)), std::move(reads)};
}

/// What begin() may use. Numbers in `state` may be changed at once: when the step fails they are put back.
struct RuleStep {
  StepContext& context;
  std::int64_t t = 1;  // number of this update, from 1; steps that were left out do not count
  double lr = 0;       // learning rate after the schedule
  double factor = 1;   // the schedule's factor alone
  Vector g;            // grain tensor or global: the gradient estimate, clipped; may be altered

  [[nodiscard]] VectorSpace& space() const { return context.space(); }
  [[nodiscard]] math::State& state() const { return context.state; }
};

class UpdateRule {
 public:
  explicit UpdateRule(double lr) : lr_(lr) {}
  virtual ~UpdateRule() = default;
  /// lr before schedule.
  [[nodiscard]] double lr() const { return lr_; }
  [[nodiscard]] virtual Grain grain() const { return Grain::element; }
  /// Declares its slots, each vector with its initial value. Only tables may depend on the parameters' layout.
  virtual void declare(math::StateLayout&, const math::ParameterLayout&) const {}
  /// A rule whose loop applies the prox overrides this.
  [[nodiscard]] virtual Needs needs() const { return {Need::smooth_omega}; }
  /// Oracle calls in addition to the estimator's.
  [[nodiscard]] virtual Cost cost(const CostPoint&) const { return {}; }
  /// The slot that holds the parameters to use and to evaluate; "x" is where gradients are taken.
  [[nodiscard]] virtual std::string_view output() const { return "x"; }
  /// Not empty when the rule computes x from its slots alone, so that moving x between steps (decoupled weight decay,
  /// lookahead) would have no effect, or a wrong one: what to use instead.
  [[nodiscard]] virtual std::string_view ignores_moved_x() const { return {}; }
  /// Works out this step. May ask the oracle before it writes any slot; writes no slot vector when the grain is element.
  virtual Update begin(RuleStep&) const = 0;

 private:
  double lr_;
};

}  // namespace talweg::optim
