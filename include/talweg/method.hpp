// SPDX-License-Identifier: Apache-2.0
// One optimization algorithm, advanced one step at a time. A Method object holds hyperparameters only: whatever must outlive a
// step lives in slots it declared by name, so checkpoint, resume and memory report need no code of the method's.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "talweg/needs.hpp"
#include "talweg/oracle.hpp"
#include "talweg/state.hpp"

namespace talweg::optim {

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

}  // namespace talweg::optim
