// SPDX-License-Identifier: Apache-2.0
#include "train/coordinator.hpp"

#include <algorithm>
#include <cmath>

#include "talweg/comm/agree.hpp"
#include "talweg/io/publish.hpp"
#include "talweg/train/config_change.hpp"
#include "talweg/train/signals.hpp"
#include "train/snapshot.hpp"
#include "train/trace.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

Ending finished(std::string reason, std::string message) { return {ExitCode::finished, std::move(reason), std::move(message)}; }

std::string machine(const RunFacts& facts) {
  return fmt::format("{} rank{} x {} thread{}", facts.ranks, facts.ranks == 1 ? "" : "s", facts.threads,
                     facts.threads == 1 ? "" : "s");
}

bool larger_is_better(const std::string& metric) { return metric == "valid_accuracy"; }

void drop_earlier_run(const RunDirectory& directory) {
  std::error_code ignored;  // what could not be removed is met again where it is written
  for (const auto& entry : std::filesystem::directory_iterator(directory.checkpoints()))
    std::filesystem::remove(entry.path(), ignored);
  for (const char* name : {"trace.h5", "trace.rows", "summary.json"}) std::filesystem::remove(directory.root / name, ignored);
}

std::int64_t planned_steps(const RunSection& run, std::int64_t steps_per_epoch) {
  if (run.steps) return *run.steps;
  return static_cast<std::int64_t>(std::ceil(run.epochs.value_or(0) * static_cast<double>(steps_per_epoch)));
}

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
      directory_{options.run},
      writes_(!options.run.empty()),
      progress_(options.progress, stderr),
      log_([this, &log](base::Level level, std::string_view text) {
        progress_.clear();
        level == base::Level::warning ? log.warn(text) : log.info(text);
      }),
      steps_per_epoch_(static_cast<std::int64_t>(engine.order().steps_per_epoch())),
      steps_(planned_steps(run.run, steps_per_epoch_)) {}

template <class Real>
TrainResult Coordinator<Real>::run() {
  Ending ending;
  try {
    start();
    std::optional<Ending> ended = ended_before_ ? std::optional(earlier_) : loop();
    if (!ended) {
      ended = finished(run_.run.steps ? "steps" : "epochs", fmt::format("all {} steps are done", steps_));
    }
    ending = *ended;
    if (ending.code == ExitCode::finished) {
      const engine::Stopwatch watch(evaluation_seconds_);
      figures_ = evaluate(engine_, problem_, x_, {.train = true, .full_gradient = true});
      if (trace_ && !ended_before_)
        append_figures(*trace_, state_, seconds(), engine_.meter().of(engine::Asker::method).gradients, figures_);
      if (!ended_before_) keep_best(figures_);
    }
    if (writes_ && !ended_before_) {
      if (ending.code != ExitCode::diverged) {
        earlier_ = ending;
        save_checkpoint();
      }
      event("end", ending.reason + ": " + ending.message);
      const engine::Stopwatch watch(trace_seconds_);
      trace_->publish();
    }
    progress_.finish(progress_state());
    TrainResult result{.summary = summarise(ending), .parameters = parameters()};
    if (writes_) {
      const std::string json = to_json(result.summary) + "\n";
      io::publish(directory_.summary(), std::as_bytes(std::span(json)));
    }
    engine_.stop(ending.code);
    return result;
  } catch (const engine::AgreedFailure&) {
    throw;
  } catch (...) {
    engine_.stop(comm::current_failure().code);  // the workers are waiting for a request: let them go with the same code
    throw;
  }
}

// ------------------------------------------------------------------------------------------------------------- starting

template <class Real>
void Coordinator<Real>::start() {
  std::optional<io::Found> found;
  if (writes_) {
    std::error_code error;
    std::filesystem::create_directories(directory_.checkpoints(), error);
    if (error) {
      base::fail(ExitCode::cannot_create, "{}: cannot create the run directory: {}", directory_.root.string(), error.message());
    }
    lock_.emplace(directory_.root);
    if (options_.fresh) drop_earlier_run(directory_);
    found = io::newest_intact(directory_.checkpoints(), log_);
  }
  if (found) {
    resume(io::load(found->path), found->path);
  } else {
    initial_point(run_, problem_, engine_.store().values(x_));
    engine_.store().touch(x_);
  }
  if (!writes_) return;
  const std::string toml = config_.resolved_toml();
  io::publish(directory_.config(), std::as_bytes(std::span(toml)));
  first_step_ = steps_done();
  if (found) return;
  trace_ = open_trace(directory_.root, config_, run_, facts_, problem_, state_, false);
  event("start", fmt::format("{} on {}", run_.method_name, machine(facts_)));
}

template <class Real>
void Coordinator<Real>::resume(const io::Checkpoint& checkpoint, const std::filesystem::path& file) {
  const base::Config before = base::Config::parse(checkpoint.config, (file.string() + " (its config)"));
  parse_run(before, {.objective = options_.terms != nullptr, .data = options_.rows.has_value()});
  std::string logged;
  for (const ConfigChange& change : config_changes(before, config_)) {
    const std::string text = fmt::format("{}: was {}, now {}", change.key, change.before, change.after);
    if (change.kind == ChangeKind::refused) {
      base::fail(ExitCode::bad_config,
                 "{} holds a run with another config: {}; this makes it another run: use --fresh or another --run",
                 directory_.root.string(), text);
    }
    if (change.kind == ChangeKind::logged) logged += (logged.empty() ? "" : "; ") + text;
  }
  if (checkpoint.fingerprint != facts_.fingerprint) {
    base::fail(ExitCode::bad_data, "{}: made from other data: fingerprint {}, the data now given has {}", file.string(),
               checkpoint.fingerprint, facts_.fingerprint);
  }
  restore(checkpoint, file.string(), problem_.objective->layout(), state_, engine_);
  ++state_.counter("trainer.part");
  seconds_before_ = state_.scalar("trainer.seconds");
  last_checkpoint_step_ = steps_done();
  const auto reason = checkpoint.attributes.find("ending");
  const bool complete = steps_done() >= steps_;
  const bool stands = reason != checkpoint.attributes.end() && !reason->second.empty() && logged.empty();
  if (complete || stands) {
    ended_before_ = true;
    earlier_ = finished(stands ? reason->second : "steps", fmt::format("this run had already ended at step {}", steps_done()));
    return;
  }
  log_.info(fmt::format("resuming {} at step {} of {} (part {})", directory_.root.string(), steps_done(), steps_,
                        state_.counter("trainer.part")));
  trace_ = open_trace(directory_.root, config_, run_, facts_, problem_, state_, true);
  event("resume", fmt::format("at step {} on {}", steps_done(), machine(facts_)));
  if (!logged.empty()) {
    log_.info("config changed: " + logged);
    event("config", logged);
  }
}

// ------------------------------------------------------------------------------------------------------------- the loop

template <class Real>
std::optional<Ending> Coordinator<Real>::loop() {
  if (steps_done() == 0 && run_.trace.evaluate_every > 0) {
    if (auto ending = observe()) return ending;
  }
  while (steps_done() < steps_) {
    try {
      step();
    } catch (const optim::Diverged& e) {
      return Ending{ExitCode::diverged, "diverged",
                    fmt::format("step {}: {}; the last checkpoint is {}", steps_done() + 1, e.what(),
                                last_checkpoint_step_ >= 0 ? fmt::format("step {}", last_checkpoint_step_) : "none")};
    }
    progress_.update(progress_state());
    const std::int64_t done = steps_done();
    if (report_.outcome != optim::Outcome::going_on) {
      return finished(report_.outcome == optim::Outcome::converged ? "converged" : "stuck", report_.message);
    }
    if (run_.trace.evaluate_every > 0 && done < steps_ && completes(run_.trace.evaluate_every, done)) {
      if (auto ending = observe()) return ending;
    }
    if (run_.stop.gradient_norm > 0 && completes(run_.stop.check_every, done)) {
      if (auto ending = check_gradient_norm()) return ending;
    }
    const std::uint32_t signals = engine_.signals();
    if ((signals & (engine::checkpoint_and_stop | engine::stop_now)) != 0) {
      return Ending{ExitCode::stopped_early, "signal",
                    fmt::format("stopped by a signal after step {}; run the same command to go on", done)};
    }
    if (run_.stop.wall_seconds > 0 && elapsed() >= run_.stop.wall_seconds && done < steps_) {
      return Ending{ExitCode::stopped_early, "wall_seconds",
                    fmt::format("{} s are over after step {}; run the same command to go on", run_.stop.wall_seconds, done)};
    }
    if ((signals & engine::checkpoint_and_go_on) != 0) {
      engine_.forget_signals();
      save_checkpoint();
    } else {
      checkpoint_if_due();
    }
  }
  return std::nullopt;
}

template <class Real>
void Coordinator<Real>::step() {
  const engine::Phases before = engine_.meter().phases;
  const auto begin = Clock::now();
  const std::int64_t done = steps_done();
  const optim::Progress progress{
      .step = done,
      .factor = run_.schedule->factor({.step = done, .steps = steps_, .steps_per_epoch = steps_per_epoch_}),
      .seed = run_.run.engine.seed};
  optim::Oracle& oracle = engine_.oracle(engine::Asker::method);
  optim::StepContext context{oracle, state_, progress};
  report_ = run_.method->step(context);
  if (!std::isfinite(report_.parameter_norm)) throw optim::Diverged("a parameter is not finite");
  ++state_.counter("trainer.step");
  const std::uint64_t taken = oracle.draw(static_cast<std::uint64_t>(done)).size;
  state_.counter("trainer.examples") += static_cast<std::int64_t>(taken);
  examples_ += static_cast<double>(taken);
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  training_seconds_ += took;
  if (trace_ && (done + 1) % run_.trace.every == 0) record(report_, before, took);
}

template <class Real>
void Coordinator<Real>::record(const optim::StepReport& report, const engine::Phases& before, double took) {
  const engine::Stopwatch watch(trace_seconds_);
  const engine::Phases& now = engine_.meter().phases;
  const engine::Costs& method = engine_.meter().of(engine::Asker::method);
  io::StepRow row;
  row.step = steps_done();
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
  trace_->append_step(row);
  trace_->publish_if_cheap(elapsed());
}

// ---------------------------------------------------------------------------------------------------------- observing

template <class Real>
std::optional<Ending> Coordinator<Real>::observe() {
  {
    const engine::Stopwatch watch(evaluation_seconds_);
    const bool needs_train = run_.stop.metric == "train_objective" || std::isfinite(run_.stop.target_loss);
    figures_ = evaluate(engine_, problem_, x_,
                        {.train = run_.trace.evaluate_train || needs_train, .full_gradient = run_.trace.full_gradient});
  }
  if (trace_) append_figures(*trace_, state_, seconds(), engine_.meter().of(engine::Asker::method).gradients, figures_);
  keep_best(figures_);
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

template <class Real>
std::optional<Ending> Coordinator<Real>::check_gradient_norm() {
  const engine::Stopwatch watch(evaluation_seconds_);
  const double norm = full_gradient_norm(engine_, x_);
  if (!(norm <= run_.stop.gradient_norm)) return std::nullopt;
  return finished("gradient_norm",
                  fmt::format("|grad F| = {:.3e} <= {:.3e} at step {}", norm, run_.stop.gradient_norm, steps_done()));
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
  engine_.oracle(engine::Asker::observer).space().copy(x_, state_.vector("best"));
  best_changed_ = true;
}

// -------------------------------------------------------------------------------------------------------- checkpointing

template <class Real>
void Coordinator<Real>::checkpoint_if_due() {
  if (!writes_) return;
  const auto& every = run_.checkpoint;
  const std::int64_t since = steps_done() - std::max(first_step_, last_checkpoint_step_);
  const double waited = std::chrono::duration<double>(Clock::now() - last_checkpoint_).count();
  const bool due =
      (every.every_steps > 0 && since >= every.every_steps) || (every.every_seconds > 0 && waited >= every.every_seconds);
  if (due) save_checkpoint();
}

template <class Real>
void Coordinator<Real>::save_checkpoint() {
  if (!writes_) return;
  const engine::Stopwatch watch(checkpoint_seconds_);
  state_.scalar("trainer.seconds") = seconds();
  io::Checkpoint checkpoint = capture(problem_, state_, engine_, x_);
  checkpoint.step = steps_done();
  checkpoint.config = config_.resolved_toml();
  checkpoint.fingerprint = facts_.fingerprint;
  describe_data(checkpoint, facts_, problem_);
  checkpoint.attributes["ending"] = earlier_.code == ExitCode::finished ? earlier_.reason : "";
  if (trace_) trace_->sync();  // first: a trace may run ahead of the checkpoint it is cut back to, never fall behind it
  io::save(directory_.checkpoints(), checkpoint);
  if (best_changed_) {
    io::Checkpoint best = checkpoint;
    best.state.clear();
    best.step = state_.counter("trainer.best_step");
    best.parameters = tensors_of<Real>(problem_.objective->layout(), engine_.store().values(state_.vector("best")));
    io::save_as(directory_.best(), best);
    best_changed_ = false;
  }
  io::rotate(directory_.checkpoints(), static_cast<int>(run_.checkpoint.keep));
  if (trace_) trace_->publish();
  last_checkpoint_ = Clock::now();
  last_checkpoint_step_ = steps_done();
}

// ------------------------------------------------------------------------------------------------------------- figures

template <class Real>
void Coordinator<Real>::event(std::string_view kind, const std::string& message) {
  if (trace_) trace_->append_event(steps_done(), seconds(), kind, message);
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
  return static_cast<double>(steps_done()) / static_cast<double>(steps_per_epoch_);
}

template <class Real>
bool Coordinator<Real>::completes(double epochs, std::int64_t done) const {
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

template <class Real>
Summary Coordinator<Real>::summarise(const Ending& ending) {
  Summary s;
  s.ending = ending;
  s.method = run_.method_name;
  s.model = problem_.objective->describe();
  s.step = steps_done();
  s.epoch = epoch();
  s.parameters = problem_.objective->layout().parameters();
  s.examples = problem_.train.plan().count();
  s.figures = figures_;
  if (state_.counter("trainer.best_step") >= 0) s.best_step = state_.counter("trainer.best_step");
  s.best_value = state_.scalar("trainer.best_value");
  s.best_metric = run_.stop.metric;
  s.method_costs = engine_.meter().of(engine::Asker::method);
  s.observer_costs = engine_.meter().of(engine::Asker::observer);
  s.seconds = seconds();
  s.training_seconds = training_seconds_;
  s.checkpoint_seconds = checkpoint_seconds_;
  s.trace_seconds = trace_seconds_;
  s.evaluation_seconds = evaluation_seconds_;
  s.phases = engine_.meter().phases;
  s.examples_per_second = training_seconds_ > 0 ? examples_ / training_seconds_ : 0;
  s.ranks = facts_.ranks;
  s.threads = facts_.threads;
  s.part = state_.counter("trainer.part");
  return s;
}

template <class Real>
std::vector<TrainedTensor> Coordinator<Real>::parameters() {
  std::vector<TrainedTensor> all;
  const auto values = engine_.store().values(x_);
  for (const math::Tensor& t : problem_.objective->layout().tensors()) {
    const auto part = values.subspan(t.offset, t.size);
    all.push_back({t.name, t.shape, std::vector<double>(part.begin(), part.end())});
  }
  return all;
}

void declare_trainer_slots(math::StateLayout& layout, std::size_t tensors) {
  layout.counter("trainer.step");
  layout.counter("trainer.part");
  layout.counter("trainer.examples");
  layout.counter("trainer.best_step", -1);
  layout.counter("trainer.since_best");
  layout.scalar("trainer.best_value");
  layout.scalar("trainer.seconds");
  layout.vector("best");
  declare_engine_slots(layout, tensors);
}

template class Coordinator<float>;
template class Coordinator<double>;

}  // namespace talweg::train
