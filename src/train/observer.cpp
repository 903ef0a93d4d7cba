// SPDX-License-Identifier: Apache-2.0
#include "train/observer.hpp"

#include <cmath>

#include "base/stopwatch.hpp"
#include "train/stops.hpp"

namespace talweg::train {
namespace {

bool larger_is_better(const std::string& metric) { return metric == "valid_accuracy"; }

}  // namespace

std::optional<Ending> Observer::look() {
  const StopSection& stop = run_.settings.stop;
  {
    const base::Stopwatch watch(run_.clock.evaluation);
    const bool needs_train = stop.metric == "train_objective" || std::isfinite(stop.target_loss);
    // Not at the start, where nothing is checked: the last bits would depend on when evaluations happen.
    const bool is_checked = stop.gradient_norm > 0 && run_.done() > 0 && run_.completes(stop.check_every);
    figures_ = evaluate(run_.session, run_.problem, run_.output, run_.settings.trace.evaluate_train || needs_train);
    if (run_.settings.trace.full_gradient || is_checked) figures_.set(gradient_figure(run_.smooth()), gradient_norm());
  }
  record();
  observed_step_ = run_.done();
  keep_best();
  tell_schedule();
  if (auto ending = target_reached(stop, figures_.get("train_objective"), run_.done())) return ending;
  return patience_lost(stop, run_.counter("trainer.since_best"), run_.counter("trainer.best_step"));
}

std::optional<Ending> Observer::check_gradient() {
  const base::Stopwatch watch(run_.clock.evaluation);
  return gradient_vanished(run_.settings.stop, gradient_norm(), run_.smooth(), run_.done());
}

void Observer::conclude(bool already_finished) {
  const base::Stopwatch watch(run_.clock.evaluation);
  const bool seen = observed_step_ == run_.done();
  if (!seen || std::isnan(figures_.get("train_objective"))) figures_ = evaluate(run_.session, run_.problem, run_.output, true);
  figures_.set(gradient_figure(run_.smooth()), gradient_norm());
  if (seen || already_finished) return;
  record();
  keep_best();
  // Were the run to go on from here, as one that is extended does, this would be an evaluation like any other.
  const double every = run_.settings.trace.evaluate_every;
  if (every > 0 && run_.completes(every)) tell_schedule();
}

double Observer::gradient_norm() {
  if (norm_step_ != run_.done()) norm_ = full_gradient_norm(run_.session, run_.output);
  norm_step_ = run_.done();
  return norm_;
}

void Observer::record() {
  run_.archive->append(io::EvaluationRow{.step = run_.done(),
                                         .seconds = run_.clock.seconds(),
                                         .gradient_evaluations = run_.session.meter().of(engine::Asker::method).gradients,
                                         .figures = figures_.all()});
}

void Observer::keep_best() {
  const std::string& metric = run_.settings.stop.metric;
  const double value = figures_.get(metric);
  if (std::isnan(value)) return;
  std::int64_t& best_step = run_.counter("trainer.best_step");
  double& best = run_.scalar("trainer.best_value");
  const bool better = best_step < 0 || (larger_is_better(metric) ? value > best : value < best);
  if (!better) {
    ++run_.counter("trainer.since_best");
    return;
  }
  best = value;
  best_step = run_.done();
  run_.counter("trainer.since_best") = 0;
  run_.session.oracle(engine::Asker::observer).space().copy(run_.output, run_.state.vector("trainer.best"));
  run_.archive->best_changed(true);
}

void Observer::tell_schedule() {
  const std::string& metric = run_.settings.stop.metric;
  const double value = figures_.get(metric);
  const optim::Schedule& schedule = *run_.settings.schedule;
  if (!schedule.observes() || std::isnan(value)) return;
  optim::ScheduleMemory memory{.factor = run_.scalar("schedule.factor"),
                               .best = run_.scalar("schedule.best"),
                               .seen = run_.counter("schedule.seen"),
                               .waits = run_.counter("schedule.waits"),
                               .cooldown = run_.counter("schedule.cooldown")};
  const double before = memory.factor;
  schedule.observe(larger_is_better(metric) ? -value : value, memory);
  run_.scalar("schedule.factor") = memory.factor;
  run_.scalar("schedule.best") = memory.best;
  run_.counter("schedule.seen") = memory.seen;
  run_.counter("schedule.waits") = memory.waits;
  run_.counter("schedule.cooldown") = memory.cooldown;
  if (memory.factor == before) return;
  run_.inform("schedule", fmt::format("no better {}: the learning rate's factor falls from {:g} to {:g} after step {}", metric,
                                      before, memory.factor, run_.done()));
}

}  // namespace talweg::train
