// SPDX-License-Identifier: Apache-2.0
// What to do with a gradient estimate. FirstOrder puts an estimator before the rule, and clipping, prox and averages around it.
//
// Most rules work element by element. Such a rule is a struct of its hyperparameters, each read from [method] where it is
// declared, and a function of one element. This is all that momentum with averaged gradients needs:
//
//   struct MeanGradient {
//     Section method;
//     double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
//     double beta = method.number("beta", 0.9, Range::decay(), "decay of the mean gradient");
//
//     void declare(math::StateLayout& slots) const { slots.vector("mean"); }
//     template <class Real>
//     auto element(const RuleStep& step) const {
//       return [lr = Real(step.lr), beta = Real(beta), rest = Real(1 - beta)](Real& x, Real g, Real& m) {
//         m = beta * m + rest * g;
//         x -= lr * m;
//       };
//     }
//   };
//   constexpr Entry kMeanGradient{.name = "mean_gradient", .make_rule = make_rule<MeanGradient>};
//
// element() is called once a step and precision. It computes in double what is constant over the step, and captures it in the
// run's precision. The function it returns is called for every element with x_{t-1}, g_t and the slots in the order of their
// declaration; it may leave out the last of them. Where the form depends on a setting, either() chooses one of two functions.
// A function that returns a number can be used with a non-smooth Omega: the number is the length of its step, by which it has
// multiplied the direction, and the prox of Omega is taken with that length.
//
// The struct may also have
//   void check() const                             throws when the hyperparameters contradict each other
//   Needs needs() const                            default: a smooth Omega, unless element() returns lengths
//   Cost cost(const CostPoint&) const
//   std::string_view output() const                as in UpdateRule
//   std::string_view ignores_moved_x() const       as in UpdateRule
//   void advance(RuleStep&) const                  updates numbers of the state, before element() is called
//   std::vector<Temporary> reads(RuleStep&) const  more vectors, which follow the slots as arguments of the function
// and, if its step does not work element by element, in place of element()
//   static constexpr Grain grain                   default: Grain::element
//   void declare(math::StateLayout&, const math::ParameterLayout&) const
//   Update begin(RuleStep&) const                  as in UpdateRule
//
// The general form is UpdateRule. begin() computes once a step, in double, whatever is constant over the step, and returns the
// loop over a block. With grain element, begin() runs before the gradient is requested, and the loop runs on each block of the
// gradient as soon as it is complete. Rules of the other two grains find the whole gradient in step.g when begin() runs, and may
// change it there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "talweg/config.hpp"
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

using base::Range;
using base::Section;

/// The first of two element functions if the condition holds, else the second. Either may itself be such a choice.
template <class F, class G>
std::variant<F, G> either(bool condition, F first, G second) {
  if (condition) return std::variant<F, G>(std::in_place_index<0>, std::move(first));
  return std::variant<F, G>(std::in_place_index<1>, std::move(second));
}

namespace detail {

/// How many vectors an element function takes after x and g, and whether it returns its step's length.
template <class F>
struct ElementTraits : ElementTraits<decltype(&F::operator())> {};
template <class F, class Result, class Real, class... Vectors>
struct ElementTraits<Result (F::*)(Real&, Real, Vectors...) const> {
  static constexpr std::size_t kVectors = sizeof...(Vectors);
  static constexpr bool kHasLength = !std::is_void_v<Result>;
};
template <class F, class G>
struct ElementTraits<std::variant<F, G>> {
  static constexpr bool kHasLength = ElementTraits<F>::kHasLength && ElementTraits<G>::kHasLength;
};

// The function is copied: its captures are then known not to change while the vectors are written, and stay in registers.
template <class F, class Real, class... Vectors>
void for_each_element(F element, std::size_t count, Real* __restrict x, const Real* __restrict g, Vectors* __restrict... v) {
  for (std::size_t i = 0; i < count; ++i) element(x[i], g[i], v[i]...);
}
template <class F, class Real, class... Vectors>
void lengths_of_elements(F element, std::size_t count, Real* __restrict length, Real* __restrict x, const Real* __restrict g,
                         Vectors* __restrict... v) {
  for (std::size_t i = 0; i < count; ++i) length[i] = element(x[i], g[i], v[i]...);
}

template <class Real>
Real* vector_of(const RuleBlock<Real>& b, std::size_t k) {
  if (k < b.slots.size()) return b.slots[k];
  if (k < b.slots.size() + b.reads.size()) return b.reads[k - b.slots.size()];
  throw std::logic_error("an element function takes more vectors than its rule declares");
}
template <class F, class Real, std::size_t... K>
void update_with_prox(const F& element, const RuleBlock<Real>& b, std::index_sequence<K...>) {
  alignas(64) std::array<Real, math::ParameterLayout::kBlock> length;
  lengths_of_elements(element, b.count, length.data(), b.x, b.g, vector_of(b, K)...);
  b.prox_with(std::span<const Real>(length).first(b.count));
}
template <class F, class Real, std::size_t... K>
void update_elements(const F& element, const RuleBlock<Real>& b, std::index_sequence<K...> vectors) {
  if constexpr (ElementTraits<F>::kHasLength) {
    if (b.proximal != nullptr) return update_with_prox(element, b, vectors);
  }
  for_each_element(element, b.count, b.x, b.g, vector_of(b, K)...);
}

}  // namespace detail

/// Calls the function for every element of the block, then applies the prox if the function returns lengths.
template <class F, class Real>
void update_elements(const F& element, const RuleBlock<Real>& b) {
  detail::update_elements(element, b, std::make_index_sequence<detail::ElementTraits<F>::kVectors>());
}
template <class F, class G, class Real>
void update_elements(const std::variant<F, G>& elements, const RuleBlock<Real>& b) {
  std::visit([&](const auto& element) { update_elements(element, b); }, elements);
}

/// Makes an UpdateRule of a struct as above.
template <class Rule>
class RuleValue final : public UpdateRule {
 public:
  explicit RuleValue(const Section& method) : RuleValue(Rule{method}) {
    if constexpr (requires { rule_.check(); }) rule_.check();
  }
  [[nodiscard]] Grain grain() const override {
    if constexpr (requires { Rule::grain; }) return Rule::grain;
    return Grain::element;
  }
  void declare(math::StateLayout& slots, const math::ParameterLayout& parameters) const override {
    if constexpr (requires { rule_.declare(slots, parameters); }) {
      rule_.declare(slots, parameters);
    } else if constexpr (requires { rule_.declare(slots); }) {
      rule_.declare(slots);
    }
  }
  [[nodiscard]] Needs needs() const override {
    if constexpr (requires { rule_.needs(); }) {
      return rule_.needs();
    } else if constexpr (kHasBegin) {
      return UpdateRule::needs();
    } else {
      using Element = decltype(std::declval<const Rule&>().template element<double>(std::declval<const RuleStep&>()));
      return detail::ElementTraits<Element>::kHasLength ? Needs{} : UpdateRule::needs();
    }
  }
  [[nodiscard]] Cost cost(const CostPoint& point) const override {
    if constexpr (requires { rule_.cost(point); }) return rule_.cost(point);
    return {};
  }
  [[nodiscard]] std::string_view output() const override {
    if constexpr (requires { rule_.output(); }) return rule_.output();
    return UpdateRule::output();
  }
  [[nodiscard]] std::string_view ignores_moved_x() const override {
    if constexpr (requires { rule_.ignores_moved_x(); }) return rule_.ignores_moved_x();
    return {};
  }
  Update begin(RuleStep& step) const override {
    if constexpr (kHasBegin) {
      return rule_.begin(step);
    } else {
      if constexpr (requires { rule_.advance(step); }) rule_.advance(step);
      auto reads = reads_of(step);
      return {loop_of(rule_.template element<float>(std::as_const(step)), rule_.template element<double>(std::as_const(step))),
              std::move(reads)};
    }
  }

 private:
  static constexpr bool kHasBegin = requires(const Rule& rule, RuleStep& step) { rule.begin(step); };

  std::vector<Temporary> reads_of(RuleStep& step) const {
    if constexpr (requires { rule_.reads(step); }) return rule_.reads(step);
    return {};
  }

  explicit RuleValue(Rule rule) : UpdateRule(rule.lr), rule_(std::move(rule)) {}

  template <class Float, class Double>
  class ElementLoop final : public BlockUpdate {
   public:
    ElementLoop(Float f, Double d) : float_(std::move(f)), double_(std::move(d)) {}
    void run(const RuleBlock<float>& b) const override { update_elements(float_, b); }
    void run(const RuleBlock<double>& b) const override { update_elements(double_, b); }

   private:
    Float float_;
    Double double_;
  };
  template <class Float, class Double>
  static std::unique_ptr<BlockUpdate> loop_of(Float f, Double d) {
    return std::make_unique<ElementLoop<Float, Double>>(std::move(f), std::move(d));
  }

  Rule rule_;
};

/// Entry::make_rule of such a struct.
template <class Rule>
std::unique_ptr<UpdateRule> make_rule(const Section& method) {
  return std::make_unique<RuleValue<Rule>>(method);
}

}  // namespace talweg::optim
