// SPDX-License-Identifier: Apache-2.0
// What the coordinator does about a NaN or an infinity. That there is one all ranks know from the same reduced numbers, at the
// same step, before anything was written; nothing here is looked for.
#include <cmath>
#include <limits>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "train/best_point.hpp"
#include "train/coordinator.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {

using base::ExitCode;
using Policy = NonFinite::Policy;

template <class Real>
bool Coordinator<Real>::may_leave_out() {
  const NonFinite& rule = run_.run.nonfinite;
  return rule.policy == Policy::skip && state_.counter("trainer.skipped_in_row") < rule.limit;
}

template <class Real>
void Coordinator<Real>::leave_out() {
  left_out_ = true;
  ++state_.counter("trainer.skipped_in_row");
  ++state_.counter("trainer.skipped");
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  report_ = {.loss = kNan,
             .gradient_norm = kNan,
             .update_norm = 0,
             .parameter_norm = engine_.oracle(engine::Asker::observer).space().norm(x_),
             .learning_rate = 0,
             .message = {}};
}

template <class Real>
void Coordinator<Real>::tell_of_step_left_out(const std::string& why) {
  const std::string text = fmt::format("step {} is left out: {} ({} in a row, at most {})", steps_done(), why,
                                       state_.counter("trainer.skipped_in_row"), run_.run.nonfinite.limit);
  log_.warn(text);
  event("nonfinite", text);
}

template <class Real>
bool Coordinator<Real>::roll_back(const std::string& why) {
  const NonFinite& rule = run_.run.nonfinite;
  if (rule.policy != Policy::rollback || !writer_) return false;
  wait_for_disk();
  engine_.set_activity(comm::Activity::disk);
  const auto found = checkpoints_.load_newest(log_);
  if (!found) return false;
  const io::Checkpoint& checkpoint = found->checkpoint;
  const auto before = checkpoint.counters.find("trainer.rollbacks_here");
  if (before != checkpoint.counters.end() && before->second >= rule.limit) return false;
  const std::int64_t failed = steps_done();
  const std::int64_t part = state_.counter("trainer.part");
  const engine::Meter meter = engine_.meter();

  // Its rows and files are in order before the trace is cut back.
  writer_->finish();
  hear();
  written_ = files_written();
  writer_.reset();
  restore(checkpoint, found->path.string(), problem_, state_, run_.method->output(), engine_);
  engine_.meter() = meter;  // what was asked was paid for
  state_.counter("trainer.part") = part;
  ++state_.counter("trainer.rollbacks");
  const std::int64_t here = ++state_.counter("trainer.rollbacks_here");
  double& factor = state_.scalar("trainer.lr_factor");
  factor *= rule.lr_factor;
  engine_.publish(state_);

  rolled_back_to_ = snapshot_step_ = saved_step_ = steps_done();
  first_step_ = std::min(first_step_, steps_done());
  due_step_ = observed_step_ = norm_step_ = -1;
  best_changed_ = state_.counter("trainer.best_step") >= 0;
  earlier_ = {};
  report_ = {};
  continue_trace();
  engine_.set_activity(comm::Activity::updating);
  const std::string text =
      fmt::format("after step {}: {}; back at step {} ({} of at most {} times), learning rates are {:g} of the config's",
                  failed, why, steps_done(), here, rule.limit, factor);
  event("rollback", text);
  save_checkpoint();
  wait_for_disk();
  if (const std::string problem = writer_->report().lost_checkpoint; !problem.empty()) {
    // Without it a kill would bring the larger steps back.
    base::fail(ExitCode::io, "{}; the rollback to step {} is not on the disk", problem, steps_done());
  }
  log_.warn(text);
  return true;
}

template <class Real>
Ending Coordinator<Real>::diverged(const std::string& why) {
  // The start is nothing to keep: the next run may begin in its place.
  if (state_.counter("trainer.best_step") > 0) save_best();
  wait_for_disk();  // to know which checkpoint is the last
  const std::int64_t skipped = state_.counter("trainer.skipped_in_row");
  const std::string after =
      skipped > 0 ? fmt::format(" ({} step{} before it left out already)", skipped, skipped == 1 ? "" : "s") : "";
  return {ExitCode::diverged, io::kDiverged,
          fmt::format("after step {}: {}{}; {}", steps_done(), why, after, last_checkpoint())};
}

void declare_nonfinite_slots(math::StateLayout& layout) {
  layout.counter("trainer.skipped");
  layout.counter("trainer.skipped_in_row");
  layout.counter("trainer.rollbacks");
  layout.counter("trainer.rollbacks_here");  // to the step of the last checkpoint
  layout.scalar("trainer.lr_factor", 1);
}

#define TALWEG_COORDINATOR(Real)                                              \
  template bool Coordinator<Real>::may_leave_out();                           \
  template void Coordinator<Real>::leave_out();                               \
  template void Coordinator<Real>::tell_of_step_left_out(const std::string&); \
  template bool Coordinator<Real>::roll_back(const std::string&);             \
  template Ending Coordinator<Real>::diverged(const std::string&);
TALWEG_COORDINATOR(float)
TALWEG_COORDINATOR(double)
#undef TALWEG_COORDINATOR

}  // namespace talweg::train
