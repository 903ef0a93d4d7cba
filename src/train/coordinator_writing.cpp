// SPDX-License-Identifier: Apache-2.0
// What the coordinator hands to the disk while it steps: rows, events, and copies of its state.
#include <algorithm>

#include "io/checkpoint_store.hpp"
#include "io/trace_mark.hpp"
#include "train/best_point.hpp"
#include "train/coordinator.hpp"
#include "train/problem.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {

using base::ExitCode;
using engine::Stopwatch;

namespace {

constexpr double kLateEnough = 1;  // seconds

}  // namespace

template <class Real>
void Coordinator<Real>::write_from_now(std::unique_ptr<io::TraceWriter> trace) {
  writer_.emplace(directory_, std::move(trace), static_cast<int>(run_.checkpoint.keep), *lock_, checkpoints_);
}

template <class Real>
void Coordinator<Real>::record(const optim::StepReport& report, const engine::Phases& before, double took) {
  const Stopwatch watch(trace_seconds_);
  const engine::Phases& now = engine_.meter().phases;
  const engine::Costs& method = engine_.meter().of(engine::Asker::method);
  io::StepRow row;
  row.step = state_.counter("trainer.row") = steps_done();
  if (std::int64_t& first = state_.counter("trainer.first_row"); first == 0) first = row.step;
  row.epoch = epoch();
  row.examples = state_.counter("trainer.examples");
  row.gradient_evaluations = method.gradients;
  row.hvp_evaluations = method.hvps;
  row.value_evaluations = method.values;
  row.evaluation_gradients = engine_.meter().of(engine::Asker::observer).gradients;
  row.seconds = seconds();
  row.loss = report.loss;
  row.gradient_norm = report.gradient_norm;
  row.update_norm = report.update_norm;
  row.parameter_norm = report.parameter_norm;
  row.learning_rate = report.learning_rate;
  row.part = state_.counter("trainer.part");
  row.timing_gradient = now.gradient - before.gradient;
  row.timing_allreduce = now.allreduce - before.allreduce;
  row.timing_update = now.update - before.update;
  row.timing_broadcast = now.broadcast - before.broadcast;
  row.timing_other = took - row.timing_gradient - row.timing_allreduce - row.timing_update - row.timing_broadcast;
  state_.counter("trainer.row_mark") = io::mark_of(row);
  writer_->append(row);
}

template <class Real>
void Coordinator<Real>::record_figures() {
  if (!writer_) return;
  writer_->append(io::EvaluationRow{.step = steps_done(),
                                    .seconds = seconds(),
                                    .gradient_evaluations = engine_.meter().of(engine::Asker::method).gradients,
                                    .figures = figures_.all()});
}

template <class Real>
void Coordinator<Real>::event(std::string_view kind, const std::string& message) {
  if (writer_) writer_->append(io::TraceEvent{steps_done(), seconds(), std::string(kind), message});
}

template <class Real>
void Coordinator<Real>::checkpoint_if_due(bool asked) {
  if (!writer_) return;
  asked_ = asked_ || asked;
  const auto& every = run_.checkpoint;
  const std::int64_t since = steps_done() - std::max(first_step_, snapshot_step_);
  const double waited = std::chrono::duration<double>(Clock::now() - snapshot_at_).count();
  const bool by_steps = every.every_steps > 0 && since >= every.every_steps;
  // What a rollback goes back to is not to hang on how fast the disk is.
  if (by_steps && run_.run.nonfinite.policy == NonFinite::Policy::rollback) wait_for_disk();
  const bool due = asked_ || by_steps || (every.every_seconds > 0 && waited >= every.every_seconds);
  if (!due) return;
  if (!writer_->idle()) {
    if (due_step_ < 0) {
      due_step_ = steps_done();
      due_at_ = Clock::now();
    }
    return;
  }
  save_checkpoint();
}

template <class Real>
io::Checkpoint& Coordinator<Real>::fill_snapshot() {
  engine_.set_activity(comm::Activity::saving);
  state_.scalar("trainer.seconds") = seconds();
  io::Checkpoint& checkpoint = writer_->snapshot();
  capture(problem_, state_, engine_, run_.method->output(), checkpoint);
  checkpoint.step = steps_done();
  checkpoint.config = config_.resolved_toml();
  checkpoint.fingerprint = facts_.fingerprint;
  describe_data(checkpoint, facts_, problem_);
  checkpoint.attributes["ending"] = earlier_.code == ExitCode::finished ? earlier_.reason : "";
  return checkpoint;
}

template <class Real>
void Coordinator<Real>::save_checkpoint() {
  if (!writer_) return;
  const Stopwatch watch(checkpoint_seconds_);
  if (due_step_ >= 0 && due_step_ < steps_done()) {
    const std::string text = fmt::format("due at step {}, taken at step {}: that of step {} was still being written", due_step_,
                                         steps_done(), snapshot_step_);
    // What matters is the checkpoint that a kill would cost: less than a second of it is nobody's trouble.
    const double late = std::chrono::duration<double>(Clock::now() - due_at_).count();
    if (late > kLateEnough && !told_late_) {
      log_.info(fmt::format("checkpoint {}, {:.1f} s late; the disk is slower than [checkpoint] asks for", text, late));
      told_late_ = true;
    }
    ++late_;
    event("checkpoint", text);
  }
  due_step_ = -1;
  asked_ = false;
  if (steps_done() > rolled_back_to_) state_.counter("trainer.rollbacks_here") = 0;
  const io::Checkpoint& checkpoint = fill_snapshot();
  io::expect_finite(checkpoint, io::checkpoint_file(directory_.checkpoints(), checkpoint.step).string());
  const bool last = !earlier_.reason.empty();
  writer_->write({.best = best_changed_, .alone = false, .trace = !last});  // the last is followed by finish_trace()
  best_changed_ = false;
  snapshot_at_ = Clock::now();
  snapshot_step_ = steps_done();
}

/// The best point is finite, whatever has become of the others.
template <class Real>
void Coordinator<Real>::save_best() {
  if (!writer_ || !best_changed_) return;
  wait_for_disk();
  io::Checkpoint& checkpoint = fill_snapshot();
  if (saved_step_ < 0) checkpoint.attributes["ending"] = io::kDiverged;  // what else a best.h5 alone tells of is a loss
  writer_->write({.best = true, .alone = true, .trace = false});
  best_changed_ = false;
}

template <class Real>
FilesWritten Coordinator<Real>::files_written() const {
  FilesWritten files = written_;
  if (!writer_) return files;
  const WriterReport report = writer_->report();
  files.checkpoints += report.checkpoints;
  files.failed += report.failed;
  files.checkpoint_seconds += report.checkpoint_seconds;
  files.trace_seconds += report.trace_seconds;
  files.late = late_;
  return files;
}

template <class Real>
void Coordinator<Real>::hear() {
  if (!writer_ || !writer_->failed()) return;
  const std::vector<WriteFailure> failures = writer_->failures();
  saved_step_ = std::max(saved_step_, writer_->report().last_step);
  for (const WriteFailure& failure : failures) {
    switch (failure.what) {
      case WriteFailure::What::checkpoint:
        best_changed_ = best_changed_ || failure.best;
        if (failure.again) break;  // how many in all is in the summary
        log_.warn(fmt::format("{}; the checkpoint of step {} is lost, {}; the run goes on", failure.message, failure.step,
                              last_checkpoint()));
        event("checkpoint", fmt::format("of step {} is lost: {}", failure.step, failure.message));
        break;
      case WriteFailure::What::best:
        best_changed_ = true;
        if (failure.again) break;
        log_.warn(failure.message + "; the best point is written when it can be, the run goes on");
        event("checkpoint", failure.message);
        break;
      case WriteFailure::What::rotation:
        log_.warn(failure.message + "; the run goes on");
        event("checkpoint", failure.message);
        break;
      case WriteFailure::What::rows:
        log_.warn(failure.message + "; rows of the trace are kept in memory until they can be written, the run goes on");
        event("trace", failure.message);
        break;
      case WriteFailure::What::trace:
        log_.warn(failure.message + "; the trace is published when it can be, the run goes on");
        event("trace", failure.message);
        break;
    }
  }
}

template <class Real>
std::string Coordinator<Real>::last_checkpoint() const {
  return saved_step_ >= 0 ? fmt::format("the last checkpoint on the disk is that of step {}", saved_step_)
                          : "there is no checkpoint on the disk";
}

template <class Real>
void Coordinator<Real>::tell_of_lost_best() {
  if (!writer_ || !best_changed_ || state_.counter("trainer.best_step") == 0) return;
  const std::string text = fmt::format("the best point, of step {}, did not reach the disk: {} is not that",
                                       state_.counter("trainer.best_step"), directory_.best().string());
  log_.warn(text);
  event("checkpoint", text);
}

template <class Real>
void Coordinator<Real>::wait_for_disk() {
  if (!writer_) return;
  const Stopwatch watch(disk_seconds_);
  engine_.set_activity(comm::Activity::disk);
  writer_->wait();
  engine_.set_activity(comm::Activity::updating);
  saved_step_ = std::max(saved_step_, writer_->report().last_step);
  hear();
}

template <class Real>
void Coordinator<Real>::finish_trace() {
  const Stopwatch watch(disk_seconds_);
  engine_.set_activity(comm::Activity::disk);
  writer_->finish();
  hear();
}

template <class Real>
Ending Coordinator<Real>::unless_lost(Ending ending, const std::string& problem) const {
  const bool good = ending.code == ExitCode::finished || ending.code == ExitCode::stopped_early;
  if (problem.empty() || !good) return ending;
  return {ExitCode::io, "disk", fmt::format("{} ({}), but {}; {}", ending.message, ending.reason, problem, last_checkpoint())};
}

#define TALWEG_COORDINATOR(Real)                                                                    \
  template void Coordinator<Real>::write_from_now(std::unique_ptr<io::TraceWriter>);                \
  template void Coordinator<Real>::record(const optim::StepReport&, const engine::Phases&, double); \
  template void Coordinator<Real>::record_figures();                                                \
  template void Coordinator<Real>::event(std::string_view, const std::string&);                     \
  template void Coordinator<Real>::checkpoint_if_due(bool);                                         \
  template io::Checkpoint& Coordinator<Real>::fill_snapshot();                                      \
  template void Coordinator<Real>::save_checkpoint();                                               \
  template void Coordinator<Real>::save_best();                                                     \
  template FilesWritten Coordinator<Real>::files_written() const;                                   \
  template void Coordinator<Real>::hear();                                                          \
  template std::string Coordinator<Real>::last_checkpoint() const;                                  \
  template void Coordinator<Real>::tell_of_lost_best();                                             \
  template void Coordinator<Real>::wait_for_disk();                                                 \
  template void Coordinator<Real>::finish_trace();                                                  \
  template Ending Coordinator<Real>::unless_lost(Ending, const std::string&) const;
TALWEG_COORDINATOR(float)
TALWEG_COORDINATOR(double)
#undef TALWEG_COORDINATOR

}  // namespace talweg::train
