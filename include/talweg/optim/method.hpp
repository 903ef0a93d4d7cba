// SPDX-License-Identifier: Apache-2.0
// One optimization algorithm, advanced one step at a time. A Method object holds hyperparameters only: whatever must outlive a
// step lives in slots it declared by name, so checkpoint, resume and memory report need no code of the method's.
#pragma once

#include <cstdint>
#include <string>

#include "talweg/math/state.hpp"
#include "talweg/optim/oracle.hpp"

namespace talweg::optim {

/// What a method asks of the run; refused with the reason before any data is read.
struct Needs {
  bool full_batch = false;  // batch = "full"
  bool hvp = false;
  bool smooth_omega = false;  // no l1, no box
};

/// Where the run stands. `factor` is the schedule's value for this step (with warm-up and overrides).
struct Progress {
  std::int64_t step = 0;  // steps done before this one
  double factor = 1;
  std::uint64_t seed = 0;
};

struct StepContext {
  Oracle& oracle;
  math::State& state;  // "x" is the current point
  const Progress& progress;
  [[nodiscard]] VectorSpace& space() const { return oracle.space(); }
  [[nodiscard]] Vector x() const { return state.vector("x"); }
};

enum class Outcome { going_on, converged, stuck };

struct StepReport {
  double loss = 0;           // mean f_i over the step's batch, before the step, without Omega
  double gradient_norm = 0;  // of what the method took as its gradient
  double update_norm = 0;
  double parameter_norm = 0;  // after the step
  double learning_rate = 0;   // as applied
  Outcome outcome = Outcome::going_on;
  std::string message;  // why, when not going on
};

class Method {
 public:
  virtual ~Method() = default;
  [[nodiscard]] virtual Needs needs() const { return {}; }
  /// Declares every slot but "x", which the trainer owns.
  virtual void declare(math::StateLayout&) const {}
  /// One step. Writes x and slots only when nothing can fail any more; throws Diverged before that.
  virtual StepReport step(StepContext&) const = 0;
};

}  // namespace talweg::optim
