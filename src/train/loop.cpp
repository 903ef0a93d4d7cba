// SPDX-License-Identifier: Apache-2.0
#include "train/loop.hpp"

#include <array>
#include <chrono>
#include <cmath>

#include "base/stopwatch.hpp"
#include "comm/agree.hpp"
#include "io/trace_mark.hpp"
#include "report/stored_summary.hpp"
#include "report/summary.hpp"
#include "train/progress.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

// Steps of a bench: not counted, since memory is touched and grids are found in them; and counted at least, however long they
// take.
constexpr std::int64_t kWarmUp = 3;
constexpr std::int64_t kCounted = 10;

}  // namespace

TrainResult Loop::run() {
  TrainResult result;
  comm::run_in_step(run_.comm, [&] {
    beginning_ = begin(run_);
    const Ending ending = close(run_with_rollbacks());
    if (!beginning_.already_finished) progress_.finish(progress_state());
    result.summary = summarise(run_, ending, observer_.figures());
    result.parameters = trained_tensors(run_);
    run_.on_rank_0([&] { write_summary(result.summary); });
  });
  return result;
}

/// To the end, with its last figures and checkpoint. Whichever of these meets a number that is not finite: the run has diverged.
Ending Loop::run_with_rollbacks() {
  while (true) {
    std::string why;
    try {
      return run_to_end();
    } catch (const optim::Diverged& e) {
      why = e.what();
    } catch (const base::Error& e) {  // a checkpoint refuses what is not finite
      if (e.code() != ExitCode::diverged) throw;
      why = e.what();
    }
    if (!recovery_.roll_back(why)) return recovery_.diverged(why);
    observer_.forget();
    report_ = {};
  }
}

Ending Loop::run_to_end() {
  if (beginning_.already_finished) {
    observer_.conclude(true);
    return beginning_.earlier;
  }
  const Ending ending = run_steps().value_or(
      finished(run_.settings.run.steps ? "steps" : "epochs", fmt::format("all {} steps are done", run_.steps)));
  if (ending.code == ExitCode::finished) observer_.conclude(false);
  if (run_.writes) {
    run_.archive->wait();
    save_checkpoint(run_, &ending);
    run_.archive->wait();
  }
  return ending;
}

std::optional<Ending> Loop::run_steps() {
  if (auto ending = look_at_start()) return ending;
  while (run_.done() < run_.steps) {
    step();
    if (auto ending = end_of_method(report_)) return ending;
    const bool last = run_.done() == run_.steps;
    const double evaluate_every = run_.settings.trace.evaluate_every;
    if (evaluate_every > 0 && !last && run_.completes(evaluate_every)) {
      if (auto ending = observer_.look()) return ending;
    }
    if (run_.settings.stop.gradient_norm > 0 && run_.completes(run_.settings.stop.check_every)) {
      if (auto ending = observer_.check_gradient()) return ending;
    }
    if (last) break;  // its checkpoint comes at the end, and says why it ended
    engine::Verdicts& verdicts = run_.session.verdicts();
    if (auto ending = stopped_by_signal(verdicts.signals(), run_.done())) return ending;
    const Orders orders = agree((verdicts.signals() & base::checkpoint_and_go_on) != 0);
    verdicts.forget_signals();
    if (auto ending = stopped_by(orders.stop, run_.settings.stop, run_.done())) return ending;
    if (orders.save) save_checkpoint(run_, nullptr);
  }
  return std::nullopt;
}

std::optional<Ending> Loop::look_at_start() {
  const bool resumed = run_.counter("trainer.part") > 0 || run_.counter("trainer.rollbacks") > 0;
  if (run_.done() > 0 || resumed) return std::nullopt;
  if (run_.settings.trace.evaluate_every > 0) {
    if (auto ending = observer_.look()) return ending;
  }
  // What to go back to.
  if (run_.writes && run_.settings.run.nonfinite.policy == NonFinite::Policy::rollback) save_checkpoint(run_, nullptr);
  return std::nullopt;
}

void Loop::step() {
  const engine::Phases before = run_.session.meter().phases;
  double seconds = 0;
  {
    const base::Stopwatch watch(seconds);
    const optim::Progress progress = this->progress();
    optim::Oracle& oracle = run_.session.oracle(engine::Asker::method);
    optim::StepContext context{oracle, run_.state, progress};
    run_.session.at_step(progress.step);
    report_ = recovery_.guard([&] { return run_.settings.method->step(context); });
    ++run_.counter("trainer.step");
    run_.archive->at_step(run_.done());
    recovery_.tell_if_left_out();
    const std::uint64_t taken = oracle.draw(static_cast<std::uint64_t>(progress.step)).size;
    run_.counter("trainer.examples") += static_cast<std::int64_t>(taken);
    run_.examples += static_cast<double>(taken);
  }
  run_.clock.training += seconds;
  run_.phases += run_.session.meter().phases - before;
  record(seconds, before);
  progress_.update(progress_state());
  if (run_.options.bench_seconds > 0 && run_.done() == kWarmUp) forget_warm_up();
  if (report_.outcome == optim::Outcome::going_on && !report_.message.empty()) run_.inform("method", report_.message);
}

optim::Progress Loop::progress() const {
  const data::Order& order = run_.session.order();
  const auto at_first_batch = [&](std::int64_t step) {
    return static_cast<std::int64_t>(order.at_first_batch(static_cast<std::uint64_t>(step)));
  };
  const optim::Schedule& schedule = *run_.settings.schedule;
  return {.step = run_.done(),
          .left_out = run_.counter("trainer.skipped"),
          .factor = schedule.factor({.step = at_first_batch(run_.done()),
                                     .steps = at_first_batch(run_.steps),
                                     .steps_per_epoch = static_cast<std::int64_t>(order.steps_per_epoch()),
                                     .reduced = schedule.observes() ? run_.scalar("schedule.factor") : 1}) *
                    run_.scalar("trainer.lr_factor"),
          .seed = run_.settings.run.engine.seed};
}

void Loop::record(double seconds, const engine::Phases& before) {
  if (!run_.archive->open() || run_.done() % run_.settings.trace.every != 0) return;
  const base::Stopwatch watch(run_.clock.trace);
  const io::StepRow row = step_row(run_, report_, before, seconds);
  run_.counter("trainer.row") = row.step;
  if (std::int64_t& first = run_.counter("trainer.first_row"); first == 0) first = row.step;
  run_.counter("trainer.row_mark") = io::mark_of(row);
  run_.archive->append(row);
}

Loop::Orders Loop::agree(bool asked) {
  Orders orders;
  if (run_.comm.coordinator()) {
    run_.archive->report_failures();
    if (run_.archive->asked_to_stop()) {
      orders.stop = Stop::file;
    } else if (time_is_over()) {
      orders.stop = Stop::wall_seconds;
    } else {
      orders.save = run_.archive->due(asked, run_.settings.run.nonfinite.policy == NonFinite::Policy::rollback);
    }
  }
  const base::Stopwatch watch(run_.session.meter().phases.broadcast);
  run_.comm.broadcast_values(std::span(&orders, 1));
  return orders;
}

bool Loop::time_is_over() const {
  const double limit = run_.settings.stop.wall_seconds;
  if (limit == 0 || (run_.options.bench_seconds > 0 && run_.done() < kWarmUp + kCounted)) return false;
  const auto since = run_.options.started.value_or(run_.clock.started());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count() >= limit;
}

Ending Loop::close(Ending ending) {
  run::Archive& archive = *run_.archive;
  const bool open = archive.open();
  const auto with_disk_failure = [&](const std::string& failure) {
    const bool good = ending.code == ExitCode::finished || ending.code == ExitCode::stopped_early;
    if (failure.empty() || !good) return;
    ending = {ExitCode::io, "disk",
              fmt::format("{} ({}), but {}; {}", ending.message, ending.reason, failure, archive.last_checkpoint())};
  };
  const std::int64_t best = run_.counter("trainer.best_step");
  const bool best_is_lost = open && archive.best_is_unsaved();
  if (open && !beginning_.already_finished) {
    const std::string lost = archive.lost_checkpoint();
    with_disk_failure(!lost.empty()  ? lost
                      : best_is_lost ? fmt::format("the best point, of step {}, did not reach the disk", best)
                                     : "");
  }
  if (open) {
    if (best_is_lost && best != 0) {
      run_.warn("checkpoint", fmt::format("the best point, of step {}, did not reach the disk: {} is not that", best,
                                          io::RunDirectory{run_.options.run}.best().string()));
    }
    archive.event("end", ending.reason + ": " + ending.message);
    archive.finish_trace();
    with_disk_failure(archive.lost_trace());
  }
  return run_.decide(std::move(ending));
}

void Loop::write_summary(const Summary& summary) {
  const bool there = beginning_.already_finished && report::read_facts(io::RunDirectory{run_.options.run}.summary()).code == 0;
  if (!there) run_.archive->write_summary(report::summary_json(summary));
}

void Loop::forget_warm_up() {
  run_.first_step = run_.done();
  run_.traffic_before = run_.session.traffic();
  run_.examples = 0;
  run_.phases = {};
  run_.clock.restart();
}

ProgressState Loop::progress_state() const {
  const double accuracy = observer_.figures().get("valid_accuracy");
  return {.step = run_.done(),
          .steps = run_.steps,
          .epoch = run_.epoch(),
          .examples = run_.examples,
          .loss = report_.loss,
          .valid_accuracy = std::isnan(accuracy) ? -1 : accuracy};
}

}  // namespace talweg::train
