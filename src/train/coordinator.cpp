// SPDX-License-Identifier: Apache-2.0
#include "train/coordinator.hpp"

#include <algorithm>
#include <cmath>

#include "comm/agree.hpp"
#include "io/atomic_file.hpp"
#include "io/trace_mark.hpp"
#include "report/stored_summary.hpp"
#include "report/summary.hpp"
#include "talweg/signals.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

/// What a step that says so ends the run with.
std::optional<Ending> ending_of(const optim::StepReport& report) {
  switch (report.outcome) {
    case optim::Outcome::going_on:
      return std::nullopt;
    case optim::Outcome::converged:
      return finished("converged", report.message);
    case optim::Outcome::ended:
      return finished("ended", report.message);
    case optim::Outcome::stuck:
      return finished("stuck", report.message);
    case optim::Outcome::failed:  // keys of [method] stand in its way
      return Ending{ExitCode::bad_config, "failed", report.message};
  }
  return std::nullopt;
}

// Steps of a bench: not counted, since memory is touched and grids are found in them; and at least counted, however long they
// take.
constexpr std::int64_t kWarmUp = 3;
constexpr std::chrono::milliseconds kLookEvery(200);  // for a stop file
constexpr std::int64_t kCounted = 10;

}  // namespace

template <class Real>
Coordinator<Real>::Coordinator(const base::Config& config, const RunConfig& run, const TrainOptions& options,
                               const RunFacts& facts, engine::Engine<Real>& engine, const engine::Problem<Real>& problem,
                               math::StateLayout layout, const base::Log& log)
    : config_(config),
      run_(run),
      options_(options),
      facts_(facts),
      engine_(engine),
      problem_(problem),
      state_(std::move(layout)),
      x_(state_.vector("x")),
      output_(state_.vector(run.method->output())),
      directory_{options.run},
      writes_(!options.run.empty()),
      progress_(options.progress, stderr),
      log_([this, &log](base::Level level, std::string_view text) {
        progress_.clear();
        level == base::Level::warning ? log.warn(text) : log.info(text);
      }),
      steps_per_epoch_(static_cast<std::int64_t>(engine.order().steps_per_epoch())),
      steps_(run.run.planned_steps(engine.order())) {}

template <class Real>
TrainResult Coordinator<Real>::run() {
  Ending ending;
  try {
    start();
    ending = go_on();
    if (writer_) {
      tell_of_lost_best();
      event("end", ending.reason + ": " + ending.message);
      finish_trace();
      ending = unless_lost(std::move(ending), writer_->report().lost_trace);
    }
    if (!ended_before_) progress_.finish(progress_state());
    TrainResult result{.summary = summarise(ending), .parameters = parameters()};
    if (writes_ && !(ended_before_ && report::read_facts(directory_.summary()).code == 0)) {
      lock_->expect_locked(directory_.root);
      const std::string json = report::summary_json(result.summary);
      io::write_atomically(directory_.summary(), std::as_bytes(std::span(json)));
    }
    engine_.stop(ending.code);
    return result;
  } catch (const comm::AgreedFailure&) {
    throw;
  } catch (...) {
    engine_.stop(comm::current_failure().code);  // the workers are waiting for a request: let them go with the same code
    throw;
  }
}

/// To the end, and its last figures and checkpoint. Whoever meets a number that is not finite, the run has diverged.
template <class Real>
Ending Coordinator<Real>::go_on() {
  while (true) {
    std::string what;
    try {
      return to_the_end();
    } catch (const optim::Diverged& e) {
      what = e.what();
    } catch (const base::Error& e) {  // a checkpoint refuses what is not finite
      if (e.code() != ExitCode::diverged) throw;
      what = e.what();
    }
    if (!roll_back(what)) return diverged(what);
  }
}

template <class Real>
Ending Coordinator<Real>::to_the_end() {
  Ending ending = earlier_;
  if (!ended_before_) {
    ending = loop().value_or(finished(run_.run.steps ? "steps" : "epochs", fmt::format("all {} steps are done", steps_)));
  }
  if (ending.code == ExitCode::finished) conclude();
  if (!writer_ || ended_before_) return ending;
  earlier_ = ending;
  wait_for_disk();
  save_checkpoint();
  wait_for_disk();
  std::string lost = writer_->report().lost_checkpoint;
  if (lost.empty() && best_changed_)
    lost = fmt::format("the best point, of step {}, did not reach the disk", state_.counter("trainer.best_step"));
  return unless_lost(std::move(ending), lost);
}

template <class Real>
std::optional<Ending> Coordinator<Real>::loop() {
  if (steps_done() == 0 && snapshot_step_ < 0) {  // else it has been here before
    if (run_.trace.evaluate_every > 0) {
      if (auto ending = observe()) return ending;
    }
    if (run_.run.nonfinite.policy == NonFinite::Policy::rollback) save_checkpoint();  // what to go back to
  }
  while (steps_done() < steps_) {
    step();
    progress_.update(progress_state());
    const std::int64_t done = steps_done();
    if (options_.bench_seconds > 0 && done == kWarmUp) forget_warm_up();
    if (report_.outcome == optim::Outcome::going_on && !report_.message.empty()) {
      log_.info(report_.message);
      event("method", report_.message);
    }
    if (auto ending = ending_of(report_)) return ending;
    if (run_.trace.evaluate_every > 0 && done < steps_ && completes(run_.trace.evaluate_every, done)) {
      if (auto ending = observe()) return ending;
    }
    if (run_.stop.gradient_norm > 0 && completes(run_.stop.check_every, done)) {
      if (auto ending = check_gradient_norm()) return ending;
    }
    const std::uint32_t signals = engine_.signals();
    if ((signals & (base::checkpoint_and_stop | base::stop_now)) != 0 && done < steps_) {
      return Ending{ExitCode::stopped_early, "signal",
                    fmt::format("stopped by a signal after step {}; run the same command to go on", done)};
    }
    if (done < steps_ && asked_to_stop()) {
      return Ending{ExitCode::stopped_early, "stop",
                    fmt::format("stopped by `talweg stop` after step {}; run the same command to go on", done)};
    }
    const bool enough = options_.bench_seconds == 0 || done >= kWarmUp + kCounted;
    const auto wall = [&] { return std::chrono::duration<double>(Clock::now() - options_.started.value_or(started_)).count(); };
    if (run_.stop.wall_seconds > 0 && wall() >= run_.stop.wall_seconds && done < steps_ && enough) {
      return Ending{ExitCode::stopped_early, "wall_seconds",
                    fmt::format("{} s are over after step {}; run the same command to go on", run_.stop.wall_seconds, done)};
    }
    const bool asked = (signals & base::checkpoint_and_go_on) != 0;
    if (asked) engine_.forget_signals();
    if (done < steps_) checkpoint_if_due(asked);  // the last step's comes at the end, and says why it ended
    hear();
  }
  return std::nullopt;
}

template <class Real>
void Coordinator<Real>::step() {
  const engine::Phases before = engine_.meter().phases;
  const auto begin = Clock::now();
  const std::int64_t done = steps_done();
  const auto at_first_batch = [this](std::int64_t step) {
    return static_cast<std::int64_t>(engine_.order().at_first_batch(static_cast<std::uint64_t>(step)));
  };
  const optim::Progress progress{
      .step = done,
      .left_out = state_.counter("trainer.skipped"),
      .factor = run_.schedule->factor({.step = at_first_batch(done),
                                       .steps = at_first_batch(steps_),
                                       .steps_per_epoch = steps_per_epoch_,
                                       .reduced = run_.schedule->observes() ? state_.scalar("schedule.factor") : 1}) *
                state_.scalar("trainer.lr_factor"),
      .seed = run_.run.engine.seed};
  optim::Oracle& oracle = engine_.oracle(engine::Asker::method);
  optim::StepContext context{oracle, state_, progress};
  std::string left_out;
  try {
    engine_.step(progress, [&] { report_ = run_.method->step(context); });
    if (left_out_) state_.counter("trainer.skipped_in_row") = 0;
    left_out_ = false;
  } catch (const optim::Diverged& e) {
    if (!may_leave_out()) throw;
    left_out = e.what();
  }
  if (!left_out.empty()) leave_out();
  if (!std::isfinite(report_.parameter_norm)) throw optim::Diverged("a parameter is not finite");
  ++state_.counter("trainer.step");
  if (!left_out.empty()) tell_of_step_left_out(left_out);
  const std::uint64_t taken = oracle.draw(static_cast<std::uint64_t>(done)).size;
  state_.counter("trainer.examples") += static_cast<std::int64_t>(taken);
  examples_ += static_cast<double>(taken);
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  training_seconds_ += took;
  phases_ += engine_.meter().phases - before;
  if (writer_ && (done + 1) % run_.trace.every == 0) record(report_, before, took);
}

template <class Real>
bool Coordinator<Real>::asked_to_stop() {
  if (!writes_) return false;
  const auto now = Clock::now();
  if (now < look_at_) return false;
  look_at_ = now + kLookEvery;
  std::error_code ignored;
  engine_.set_activity(comm::Activity::disk);  // on a file server, perhaps
  const bool asked = std::filesystem::exists(directory_.stop(), ignored);
  engine_.set_activity(comm::Activity::updating);
  return asked;
}

template <class Real>
void Coordinator<Real>::forget_warm_up() {
  first_step_ = steps_done();
  traffic_before_ = engine_.traffic();
  examples_ = 0;
  training_seconds_ = 0;
  phases_ = {};
  started_ = Clock::now();
}

template <class Real>
double Coordinator<Real>::elapsed() const {
  return std::chrono::duration<double>(Clock::now() - started_).count();
}

template <class Real>
double Coordinator<Real>::seconds() const {
  return seconds_before_ + elapsed();
}

template <class Real>
double Coordinator<Real>::epoch() {
  return engine_.order().epochs(static_cast<std::uint64_t>(steps_done()));
}

template <class Real>
bool Coordinator<Real>::completes(double epochs, std::int64_t done) const {
  const data::Order& order = engine_.order();
  if (!order.constant()) {
    const auto periods = [&](std::int64_t step) { return std::floor(order.epochs(static_cast<std::uint64_t>(step)) / epochs); };
    return periods(done) > periods(done - 1);
  }
  const double period = std::max(1.0, epochs * static_cast<double>(steps_per_epoch_));
  return std::floor(static_cast<double>(done) / period) > std::floor(static_cast<double>(done - 1) / period);
}

template <class Real>
ProgressState Coordinator<Real>::progress_state() {
  const double accuracy = figures_.get("valid_accuracy");
  return {.step = steps_done(),
          .steps = steps_,
          .epoch = epoch(),
          .examples = examples_,
          .loss = report_.loss,
          .valid_accuracy = std::isnan(accuracy) ? -1 : accuracy};
}

void declare_trainer_slots(math::StateLayout& layout, std::size_t tensors) {
  declare_nonfinite_slots(layout);
  layout.counter("trainer.step");
  layout.counter("trainer.part");
  layout.counter("trainer.row");        // step of the trace's last row; 0: none
  layout.counter("trainer.row_mark");   // io::mark_of() it
  layout.counter("trainer.first_row");  // step of its first
  layout.counter("trainer.examples");
  layout.counter("trainer.best_step", -1);
  layout.counter("trainer.since_best");
  layout.scalar("trainer.best_value");
  layout.scalar("trainer.seconds");
  layout.vector("trainer.best");
  declare_engine_slots(layout, tensors);
}

template class Coordinator<float>;
template class Coordinator<double>;

}  // namespace talweg::train
