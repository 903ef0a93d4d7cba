// SPDX-License-Identifier: Apache-2.0
// One optimization algorithm, advanced one step at a time. A Method object holds hyperparameters only: whatever must outlive a
// step lives in slots it declared by name, so checkpoint, resume and memory report need no code of the method's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "talweg/config.hpp"
#include "talweg/oracle.hpp"
#include "talweg/state.hpp"

namespace talweg::optim {

/// In the order in which a run is checked for them. src/optim/needs.cpp says everything else about each.
enum class Need : std::uint8_t {
  horizon,          // run.steps of at least Needs::horizon(), and not run.epochs
  deterministic,    // one F at every request: no dropout
  constant_batch,   // no batch schedule
  constant_rate,    // no schedule of the learning rate, no warm-up
  full_batch,       // batch = "full"
  smooth_omega,     // no l1, no box, ...
  l1_omega,         // l1 is the only non-smooth part: no box, ...
  separable_omega,  // no group lasso, no ball
  convex,           // F is convex: no network
  strongly_convex,  // F is strongly convex, as far as the config tells
  distinct,         // no example twice in a batch
  linear,           // a linear model: a gradient is a scalar times the example
  hvp,              // Hessian-vector products
  smoothness,       // Oracle::curvature_bounds(), where the model has them; the last: see kNeedCount
};
inline constexpr std::size_t kNeedCount = static_cast<std::size_t>(Need::smoothness) + 1;

/// A set of needs, each with reasons that its refusal and the catalogue repeat.
class Needs {
 public:
  Needs() = default;
  Needs(std::initializer_list<Need> needs) {
    for (const Need need : needs) add(need);
  }
  Needs(Need need, std::string why) {
    add(need);
    why_.emplace_back(need, std::move(why));
  }
  /// The need under this condition, none otherwise.
  static Needs when(bool condition, Need need) { return condition ? Needs{need} : Needs{}; }
  static Needs when(bool condition, Need need, std::string why) { return condition ? Needs(need, std::move(why)) : Needs{}; }
  /// run.steps of at least `steps`.
  static Needs at_least(std::int64_t steps, std::string why) {
    Needs needs(Need::horizon, std::move(why));
    needs.horizon_ = steps;
    return needs;
  }

  [[nodiscard]] bool has(Need need) const { return (set_ & bit(need)) != 0; }
  [[nodiscard]] std::int64_t horizon() const { return horizon_; }
  /// The reasons for this need, each after "; ".
  [[nodiscard]] std::string reasons(Need need) const {
    std::string text;
    for (const auto& [of, why] : why_) {
      if (of == need) text.append("; ").append(why);
    }
    return text;
  }

  friend Needs operator|(Needs a, const Needs& b) {
    a.set_ |= b.set_;
    a.horizon_ = a.horizon_ > b.horizon_ ? a.horizon_ : b.horizon_;
    a.why_.insert(a.why_.end(), b.why_.begin(), b.why_.end());
    return a;
  }

 private:
  static constexpr std::uint32_t bit(Need need) { return std::uint32_t{1} << static_cast<unsigned>(need); }
  void add(Need need) {
    set_ |= bit(need);
    // All of F has no dropout, and products with its Hessian have none either.
    if (need == Need::full_batch || need == Need::hvp) set_ |= bit(Need::deterministic);
  }

  std::uint32_t set_ = 0;
  std::int64_t horizon_ = 0;
  std::vector<std::pair<Need, std::string>> why_;
};

/// Oracle calls of one step, counted in examples, as the method states them; a test compares them with the meter. With `bound`
/// they are an upper bound (line searches).
struct Cost {
  std::int64_t gradients = 0;
  std::int64_t hvps = 0;
  std::int64_t values = 0;
  bool bound = false;
  friend Cost operator+(const Cost& a, const Cost& b) {
    return {a.gradients + b.gradients, a.hvps + b.hvps, a.values + b.values, a.bound || b.bound};
  }
};

/// What a step's cost may depend on.
struct CostPoint {
  std::int64_t step = 0;               // steps done before
  std::int64_t n = 1;                  // examples
  std::int64_t batch = 1;              // of this step
  std::int64_t batches_per_epoch = 1;  // ceil(n / b)
  std::uint64_t seed = 0;
};

/// Where the run stands. `factor` is the schedule's value for this step (with warm-up and overrides).
struct Progress {
  std::int64_t step = 0;      // steps done before this one
  std::int64_t left_out = 0;  // of these: left out because a number was not finite
  double factor = 1;
  std::uint64_t seed = 0;
};

struct StepContext {
  Oracle& oracle;
  math::State& state;  // "x" is the current point
  const Progress& progress;
  std::string notes{};  // see note()
  [[nodiscard]] VectorSpace& space() const { return oracle.space(); }
  [[nodiscard]] Vector x() const { return state.vector("x"); }
  /// Something that the run's log should tell of this step: the report's message, unless the step gives it another.
  void note(std::string_view text) { notes.append(notes.empty() ? "" : "; ").append(text); }
};

/// What the step of one element of x depends on: its own history; all of its tensor (norms, matrices); all parameters.
enum class Grain : std::uint8_t { element, tensor, global };

enum class Outcome {
  going_on,
  converged,
  ended,   // at a step that the method chose, whatever the point is worth
  stuck,   // rounding allows no progress
  failed,  // it cannot go on for a reason other than rounding
};

/// The value of a report's field that was not computed.
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct StepReport {
  double loss = 0;           // mean f_i over the step's batch, before the step, without Omega
  double gradient_norm = 0;  // of what the method took as its gradient
  double update_norm = 0;
  double parameter_norm = -1;  // after the step; negative: Method::step fills in |x|
  double learning_rate = 0;    // as applied
  Outcome outcome = Outcome::going_on;
  std::string message{};  // why, when not going on; else, not empty: what the run's log should tell of this step
};

class Method {
 public:
  virtual ~Method() = default;
  [[nodiscard]] virtual Needs needs() const { return {}; }
  /// Line searches, restarts and step lengths that depend on norms make a method global.
  [[nodiscard]] virtual Grain grain() const { return Grain::global; }
  /// Declares every slot but "x", which the trainer owns.
  virtual void declare(math::StateLayout&, const math::ParameterLayout&) const {}
  /// What step number `point.step` costs.
  [[nodiscard]] virtual Cost cost(const CostPoint& point) const = 0;
  /// The slot that holds the parameters to use and to judge. "x" is the point where gradients are taken.
  [[nodiscard]] virtual std::string_view output() const { return "x"; }
  /// One step: advance() and what every step has in common. When advance() throws, is stuck or has failed, all numbers of the
  /// state are put back as they were.
  StepReport step(StepContext&) const;

 private:
  /// What a method writes. It may change numbers of the state at once, but x and the slots' vectors only when nothing can fail
  /// any more (or so that the same step, done again, gives the same bits); it throws Diverged before that.
  virtual StepReport advance(StepContext&) const = 0;
};

/// Fills the declared vectors with their initial values, except x, which is set already, and padding, which stays zero. Called
/// once, at the start of a run; values(v) gives the numbers of a vector, [extent].
template <class Values>
void fill_initial(const math::ParameterLayout& layout, const math::State& state, Values values) {
  const Vector x = state.vector("x");
  for (const std::string& name : state.layout().vectors()) {
    const Vector v = state.vector(name);
    const math::Initial initial = state.layout().initial(v);
    if (v == x || (!initial.point && initial.value == 0)) continue;
    const auto to = values(v);
    const auto from = values(x);
    for (const math::Tensor& t : layout.tensors()) {
      for (std::size_t j = t.offset; j < t.offset + t.size; ++j)
        to[j] = initial.point ? from[j] : static_cast<std::remove_cvref_t<decltype(to[j])>>(initial.value);
    }
  }
}

class UpdateRule;  // talweg/rule.hpp
class Method;      // talweg/method.hpp
class Estimator;   // Talweg's own alone

/// How steps of one dialect are written in another.
struct DialectMap {
  std::string_view from;  // "", as `to`: between any two
  std::string_view to;
  std::string_view map;     // the formula; or why there is none
  std::string_view keys{};  // of `to`, TOML lines: with them it makes the steps of `from` as that comes. "": no constants do
};

/// One entry. Exactly one of the three makers is set; it reads (and so declares) its hyperparameters from [method]. Slots,
/// needs, grain and countable cost are those of what it makes. An entry from outside needs a name and a maker; the rest is for
/// `talweg methods`.
struct Entry {
  std::string_view name{};       // "adam"
  std::string_view title{};      // "Adam: adaptive moment estimation"
  std::string_view rule{};       // the recurrence, dialects and deviations: printed by `talweg methods NAME`
  std::string_view source{};     // paper, authors, year; kernel where a dialect follows one
  std::string_view cost{};       // oracle calls per step, in words and symbols: "b gradients"
  std::string_view guarantee{};  // assumptions and rate, as the source states them and as later results correct it
  std::span<const std::string_view> dialects{};  // names of [method] dialect, the default first
  // Between any two dialects, in one direction at least.
  std::span<const DialectMap> maps{};
  std::unique_ptr<UpdateRule> (*make_rule)(const base::Section&) = nullptr;
  std::unique_ptr<Estimator> (*make_estimator)(const base::Section&) = nullptr;
  std::unique_ptr<Method> (*make_method)(const base::Section&) = nullptr;
};

/// The text of a raw string literal, without the newlines after its R"( and before its )".
constexpr std::string_view text_of(std::string_view raw) { return raw.substr(1, raw.size() - 2); }

/// Entry::make_rule and so on of a class that is constructed from its section.
template <class Made, class Base>
std::unique_ptr<Base> make(const base::Section& section) {
  return std::make_unique<Made>(section);
}

}  // namespace talweg::optim
