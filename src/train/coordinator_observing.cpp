// SPDX-License-Identifier: Apache-2.0
// What the coordinator sees at an evaluation, and what follows from it: the best point, the schedule's memory, the end of the
// run.
#include <algorithm>
#include <cmath>

#include "train/coordinator.hpp"
#include "train/evaluation.hpp"

namespace talweg::train {
namespace {

bool larger_is_better(const std::string& metric) { return metric == "valid_accuracy"; }

}  // namespace

/// The figures of the last point, full gradient included; in the trace once.
template <class Real>
void Coordinator<Real>::conclude() {
  const engine::Stopwatch watch(evaluation_seconds_);
  const bool seen = observed_step_ == steps_done();
  if (!seen || std::isnan(figures_.get("train_objective"))) figures_ = evaluate(engine_, problem_, output_, true);
  figures_.set(gradient_figure(problem_.regularizer.smooth()), gradient_norm());
  if (seen || ended_before_) return;
  record_figures();
  keep_best(figures_);
  // Were the run to go on from here, as one that is extended does, this would be an evaluation like any other.
  if (run_.trace.evaluate_every > 0 && completes(run_.trace.evaluate_every, steps_done())) tell_schedule(figures_);
}

template <class Real>
std::optional<Ending> Coordinator<Real>::observe() {
  {
    const engine::Stopwatch watch(evaluation_seconds_);
    const bool needs_train = run_.stop.metric == "train_objective" || std::isfinite(run_.stop.target_loss);
    // Not at the start, where nobody checks: what is asked, and so the last bits, would depend on when is evaluated.
    const std::int64_t done = steps_done();
    const bool is_checked = run_.stop.gradient_norm > 0 && done > 0 && completes(run_.stop.check_every, done);
    figures_ = evaluate(engine_, problem_, output_, run_.trace.evaluate_train || needs_train);
    if (run_.trace.full_gradient || is_checked) figures_.set(gradient_figure(problem_.regularizer.smooth()), gradient_norm());
  }
  record_figures();
  observed_step_ = steps_done();
  keep_best(figures_);
  tell_schedule(figures_);
  const double objective = figures_.get("train_objective");
  if (objective <= run_.stop.target_loss) {
    return finished("target_loss", fmt::format("the training objective {:.6g} reached {:.6g} at step {}", objective,
                                               run_.stop.target_loss, steps_done()));
  }
  const std::int64_t since = state_.counter("trainer.since_best");
  if (run_.stop.patience > 0 && since >= run_.stop.patience) {
    return finished("patience", fmt::format("no better {} for {} evaluations; the best was step {}", run_.stop.metric, since,
                                            state_.counter("trainer.best_step")));
  }
  return std::nullopt;
}

/// Of this step's point; asked for once.
template <class Real>
double Coordinator<Real>::gradient_norm() {
  if (norm_step_ != steps_done()) norm_ = full_gradient_norm(engine_, output_);
  norm_step_ = steps_done();
  return norm_;
}

template <class Real>
std::optional<Ending> Coordinator<Real>::check_gradient_norm() {
  const engine::Stopwatch watch(evaluation_seconds_);
  const double norm = gradient_norm();
  if (!(norm <= run_.stop.gradient_norm)) return std::nullopt;
  const char* what = problem_.regularizer.smooth() ? "|grad F|" : "|x - prox(x - grad f)|";
  return finished("gradient_norm",
                  fmt::format("{} = {:.3e} <= {:.3e} at step {}", what, norm, run_.stop.gradient_norm, steps_done()));
}

template <class Real>
void Coordinator<Real>::keep_best(const Figures& figures) {
  const double value = figures.get(run_.stop.metric);
  if (std::isnan(value)) return;
  std::int64_t& best_step = state_.counter("trainer.best_step");
  double& best = state_.scalar("trainer.best_value");
  const bool better = best_step < 0 || (larger_is_better(run_.stop.metric) ? value > best : value < best);
  if (!better) {
    ++state_.counter("trainer.since_best");
    return;
  }
  best = value;
  best_step = steps_done();
  state_.counter("trainer.since_best") = 0;
  engine_.copy(output_, state_.vector("trainer.best"));
  best_changed_ = true;
}

template <class Real>
void Coordinator<Real>::tell_schedule(const Figures& figures) {
  const double value = figures.get(run_.stop.metric);
  if (!run_.schedule->observes() || std::isnan(value)) return;
  optim::ScheduleMemory memory{.factor = state_.scalar("schedule.factor"),
                               .best = state_.scalar("schedule.best"),
                               .seen = state_.counter("schedule.seen"),
                               .waits = state_.counter("schedule.waits"),
                               .cooldown = state_.counter("schedule.cooldown")};
  const double before = memory.factor;
  run_.schedule->observe(larger_is_better(run_.stop.metric) ? -value : value, memory);
  state_.scalar("schedule.factor") = memory.factor;
  state_.scalar("schedule.best") = memory.best;
  state_.counter("schedule.seen") = memory.seen;
  state_.counter("schedule.waits") = memory.waits;
  state_.counter("schedule.cooldown") = memory.cooldown;
  if (memory.factor == before) return;
  const std::string text = fmt::format("no better {}: the learning rate's factor falls from {:g} to {:g} after step {}",
                                       run_.stop.metric, before, memory.factor, steps_done());
  log_.info(text);
  event("schedule", text);
}

void declare_schedule_slots(math::StateLayout& layout, const optim::Schedule& schedule) {
  if (!schedule.observes()) return;
  layout.scalar("schedule.factor", 1);
  layout.scalar("schedule.best");
  layout.counter("schedule.seen");
  layout.counter("schedule.waits");
  layout.counter("schedule.cooldown");
}

#define TALWEG_COORDINATOR(Real)                                           \
  template void Coordinator<Real>::conclude();                             \
  template std::optional<Ending> Coordinator<Real>::observe();             \
  template double Coordinator<Real>::gradient_norm();                      \
  template std::optional<Ending> Coordinator<Real>::check_gradient_norm(); \
  template void Coordinator<Real>::keep_best(const Figures&);              \
  template void Coordinator<Real>::tell_schedule(const Figures&);
TALWEG_COORDINATOR(float)
TALWEG_COORDINATOR(double)
#undef TALWEG_COORDINATOR

}  // namespace talweg::train
