// SPDX-License-Identifier: Apache-2.0
// What a run starts from, and the summary it leaves behind. What it writes in between: coordinator_writing.cpp.
#include <algorithm>
#include <ranges>

#include "base/system_error.hpp"
#include "io/atomic_file.hpp"
#include "io/checkpoint_store.hpp"
#include "report/stored_summary.hpp"
#include "train/best_point.hpp"
#include "train/config_change.hpp"
#include "train/coordinator.hpp"
#include "train/memory.hpp"
#include "train/problem.hpp"
#include "train/snapshot.hpp"
#include "train/trace.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

std::string machine(const RunFacts& facts) {
  return fmt::format("{} rank{} x {} thread{}", facts.ranks, facts.ranks == 1 ? "" : "s", facts.threads,
                     facts.threads == 1 ? "" : "s");
}

/// Names of all that the method keeps, with what there is of each.
template <class Real>
std::vector<std::string> slots_of(const optim::Method& method, const engine::Problem<Real>& problem) {
  math::StateLayout layout;
  layout.vector("x");
  method.declare(layout, problem.objective->layout());
  std::vector<std::string> slots(layout.vectors().begin(), layout.vectors().end());
  slots.insert(slots.end(), layout.per_example().begin(), layout.per_example().end());
  for (const auto& s : layout.scalars()) slots.push_back(s.name);
  for (const auto& c : layout.counters()) slots.push_back(c.name);
  for (const auto& a : layout.arrays()) slots.push_back(fmt::format("{} {}", a.name, a.size));
  std::ranges::sort(slots);
  return slots;
}

void drop(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::remove(file, error);
  if (!error) return;
  base::fail(base::exit_code_of(error.value(), ExitCode::io), "{}: cannot remove the earlier run's file: {}", file.string(),
             error.message());
}

/// Only what talweg wrote: the directory may be somebody's. What stayed would be taken for the new run's. The newest checkpoint
/// goes last of them: where a kill comes between, the earlier run is not set back.
void drop_earlier_run(const io::RunDirectory& directory) {
  drop(directory.best());
  const std::vector<io::CheckpointFile> checkpoints = io::checkpoints_in(directory.checkpoints());
  for (const io::CheckpointFile& found : checkpoints | std::views::reverse) drop(found.path);
  for (const char* name : {"trace.h5", "trace.rows", "summary.json"}) drop(directory.root / name);
}

/// For a run in the place of one that ended before its first checkpoint: nothing of that is lost.
void make_way(const io::RunDirectory& directory, const base::Log& log) {
  std::error_code ignored;
  if (std::filesystem::exists(directory.best(), ignored)) {
    log.warn(fmt::format("{}: of a run that diverged before its first checkpoint; set aside as {}", directory.best().string(),
                         io::set_aside(directory.best(), "diverged").string()));
  }
  drop(directory.summary());
}

/// best.h5 of a run that diverged before its first checkpoint says so itself: Coordinator::save_best().
bool diverged_first(const std::filesystem::path& best) {
  try {
    return io::load(best).attributes["ending"] == io::kDiverged;
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace

template <class Real>
void Coordinator<Real>::start() {
  std::optional<io::CheckpointStore::Loaded> earlier;
  engine_.set_activity(comm::Activity::disk);
  if (writes_) {
    std::error_code error;
    std::filesystem::create_directories(directory_.checkpoints(), error);
    if (error) {
      base::fail(base::exit_code_of(error.value(), ExitCode::cannot_create), "{}: cannot create the run directory: {}",
                 directory_.root.string(), error.message());
    }
    if (std::filesystem::is_symlink(directory_.checkpoints())) {  // the lock is on the run's directory, not on what it leads to
      base::fail(ExitCode::cannot_create,
                 "{}: found a symbolic link, expected a directory of the run's own; --run may name one",
                 directory_.checkpoints().string());
    }
    lock_.emplace(directory_.root);
    std::filesystem::remove(directory_.stop(), error);  // asked of an earlier run
    if (!options_.fresh) {
      earlier = checkpoints_.load_newest(log_);
      if (!earlier) expect_nothing_to_resume();
    }
    expect_own_inputs(earlier ? earlier->checkpoint.config : "");
  }
  if (earlier) {
    resume(std::move(earlier->checkpoint), earlier->path);
  } else {
    initial_point(run_, problem_, engine_.threads(), engine_.store().values(x_));
    engine_.store().touch(x_);
    optim::fill_initial(problem_.objective->layout(), state_, [this](math::Vector v) {
      engine_.store().touch(v);
      return engine_.store().values(v);
    });
    // The new one can begin: no file is missing, none is read again.
    if (writes_) options_.fresh ? drop_earlier_run(directory_) : make_way(directory_, log_);
  }
  engine_.set_activity(comm::Activity::updating);
  engine_.publish(state_);
  first_step_ = steps_done();
  if (!writes_ || ended_before_) return;
  engine_.set_activity(comm::Activity::disk);
  const std::string toml = config_.resolved_toml();
  io::write_atomically(directory_.config(), std::as_bytes(std::span(toml)));
  if (earlier) return;
  write_from_now(open_trace(directory_.root, config_, run_, facts_, problem_, state_, false));
  event("start", fmt::format("{} on {}", run_.method_name, machine(facts_)));
}

/// What the run is made of is not what it writes over. `before`: what it wrote itself, as its last checkpoint has it.
template <class Real>
void Coordinator<Real>::expect_own_inputs(const std::string& before) {
  std::error_code ignored;
  const auto config = directory_.config();
  const bool given = std::filesystem::equivalent(config_.name(), config, ignored) &&
                     !std::filesystem::is_symlink(config, ignored);  // only the link would be replaced
  const std::string text = given ? base::read_text(config) : "";
  if (given && text != before && text != config_.resolved_toml()) {
    base::fail(
        ExitCode::usage,
        "{}: found the config itself where the run keeps it as it was resolved, without comments; expected another --run",
        directory_.config().string());
  }
  if (!before.empty() || run_.init.kind != "file") return;
  std::vector<io::CheckpointFile> dropped = io::checkpoints_in(directory_.checkpoints());
  dropped.push_back({directory_.best(), 0});
  for (const io::CheckpointFile& file : dropped) {
    if (!std::filesystem::equivalent(run_.init.path, file.path, ignored)) continue;
    base::fail(ExitCode::usage,
               "{}: found init.path among the earlier run's checkpoints, which make way for this one, expected another --run",
               run_.init.path.string());
  }
}

/// Without an intact checkpoint a run begins anew, but never over one that somebody may still want.
template <class Real>
void Coordinator<Real>::expect_nothing_to_resume() {
  if (const auto damaged = io::checkpoints_in(directory_.checkpoints()); !damaged.empty()) {
    base::fail(ExitCode::bad_data, "{}: found {} checkpoint{}, none intact, expected one to go on from; --fresh starts anew",
               directory_.checkpoints().string(), damaged.size(), damaged.size() == 1 ? "" : "s");
  }
  if (std::filesystem::exists(directory_.best()) && !diverged_first(directory_.best())) {
    base::fail(
        ExitCode::input_missing,
        "{}: found best.h5 and no step-*.h5, expected one to go on from; --fresh starts anew and drops it, another --run "
        "with init.kind=file and init.path={} begins at the best point",
        directory_.checkpoints().string(), directory_.best().string());
  }
  if (const report::SummaryFacts told = report::read_facts(directory_.summary()); told.last_checkpoint >= 0) {
    base::fail(ExitCode::input_missing, "{}: not there, but {} says that it is the last one; --fresh starts anew",
               io::checkpoint_file(directory_.checkpoints(), told.last_checkpoint).string(), directory_.summary().string());
  }
  if (std::filesystem::exists(directory_.root / "trace.h5")) {
    log_.warn(fmt::format("{} holds a trace and no checkpoint: starting at step 0", directory_.root.string()));
  }
}

template <class Real>
void Coordinator<Real>::resume(io::Checkpoint checkpoint, const std::filesystem::path& file) {
  const base::Config before = base::Config::parse(checkpoint.config, (file.string() + " (its config)"));
  const RunConfig was = parse_run(before, {.objective = options_.terms != nullptr, .data = options_.rows.has_value()});
  const auto kept = slots_of(*was.method, problem_), wanted = slots_of(*run_.method, problem_);
  const bool same_state = std::ranges::includes(kept, wanted);  // what is there and not wanted is forgotten
  std::string logged, refused;
  bool forget_best = false;
  auto changes = config_changes(before, config_);
  // Another method brings other keys: its name says why.
  std::stable_partition(changes.begin(), changes.end(),
                        [](const ConfigChange& c) { return c.key.ends_with(".name") || c.key.ends_with(".kind"); });
  for (const ConfigChange& change : changes) {
    const std::string text = fmt::format("{}: was {}, now {}", change.key, change.before, change.after);
    if (change.kind == ChangeKind::refused || (!same_state && change.key.starts_with("method.")))
      refused += (refused.empty() ? "" : "; ") + text;
    if (change.kind == ChangeKind::logged) logged += (logged.empty() ? "" : "; ") + text;
    if (change.key == "stop.metric") forget_best = true;
  }
  if (!refused.empty()) {
    base::fail(ExitCode::bad_config,
               "{} holds a run with another config: {}; this makes it another run: use --fresh or another --run",
               directory_.root.string(), refused);
  }
  expect_data_of(checkpoint, file.string(), facts_);
  restore(checkpoint, file.string(), problem_, state_, run_.method->output(), engine_);
  if (forget_best) {
    state_.counter("trainer.best_step") = -1;
    state_.counter("trainer.since_best") = 0;
    if (run_.schedule->observes()) state_.counter("schedule.seen") = state_.counter("schedule.waits") = 0;
  }
  best_changed_ = state_.counter("trainer.best_step") >= 0;  // best.h5 may be of a later step, or lost
  ++state_.counter("trainer.part");
  seconds_before_ = state_.scalar("trainer.seconds");
  snapshot_step_ = saved_step_ = steps_done();
  const auto reason = checkpoint.attributes.find("ending");
  const bool complete = steps_done() >= steps_;
  const bool stands = reason != checkpoint.attributes.end() && !reason->second.empty() && logged.empty();
  if (complete || stands) {
    ended_before_ = true;
    earlier_ = {ExitCode::finished,
                stands           ? reason->second
                : run_.run.steps ? "steps"
                                 : "epochs",
                fmt::format("this run had already ended at step {}", steps_done())};
    if (!logged.empty()) log_.warn("config changed, with no step left that it could change: " + logged);
    if (!forget_best) write_lost_best(checkpoint);
    if (report::read_facts(directory_.summary()).code != 0)
      continue_trace();  // a kill or the disk came before the trace was finished
    return;
  }
  log_.info(fmt::format("resuming {} at step {} of {} (part {})", directory_.root.string(), steps_done(), steps_,
                        state_.counter("trainer.part")));
  if (state_.scalar("trainer.lr_factor") != 1) {
    log_.info(fmt::format("learning rates are {:g} of the config's, after {} rollback{}", state_.scalar("trainer.lr_factor"),
                          state_.counter("trainer.rollbacks"), state_.counter("trainer.rollbacks") == 1 ? "" : "s"));
  }
  drop(directory_.summary());  // of the part before: it is there when a run has ended, and the trace may be cut back now
  continue_trace();
  event("resume", fmt::format("at step {} on {}", steps_done(), machine(facts_)));
  if (!logged.empty()) {
    log_.info("config changed: " + logged);
    event("config", logged);
  }
}

/// The checkpoint holds what best.h5 should: a kill came between the two, or somebody has lost it.
template <class Real>
void Coordinator<Real>::write_lost_best(io::Checkpoint& checkpoint) {
  best_changed_ = false;
  if (state_.counter("trainer.best_step") < 0) return;
  const AsBest as_best(checkpoint);
  std::string problem = "is of another step";
  try {
    if (io::load(directory_.best()).step >= checkpoint.step) return;
  } catch (const base::Error& e) {
    problem = e.what();
  }
  io::save_as(directory_.best(), checkpoint);
  log_.warn(fmt::format("{}: {}; written again, from the last checkpoint", directory_.best().string(), problem));
}

/// A damaged trace is no reason to lose a run: it is set aside.
template <class Real>
void Coordinator<Real>::continue_trace() {
  try {
    auto trace = open_trace(directory_.root, config_, run_, facts_, problem_, state_, true);
    const std::int64_t last = trace->last_step(), expected = state_.counter("trainer.row");
    write_from_now(std::move(trace));
    if (last >= expected) return;
    const std::string text = fmt::format("{}: its rows end at step {}, expected step {}: those between are lost",
                                         (directory_.root / "trace.h5").string(), last, expected);
    log_.warn(text);
    event("trace", text);
  } catch (const base::Error& e) {
    if (e.code() != ExitCode::bad_data) throw;
    const auto aside = io::set_aside(directory_.root / "trace.h5", "damaged");
    log_.warn(fmt::format("{}; set aside as {}, a new trace begins at step {}", e.what(), aside.string(), steps_done()));
    write_from_now(open_trace(directory_.root, config_, run_, facts_, problem_, state_, false));
  }
}

template <class Real>
Summary Coordinator<Real>::summarise(const Ending& ending) {
  Summary s;
  s.ending = ending;
  s.method = run_.method_name;
  s.model = problem_.objective->describe();
  s.placement = engine::name_of(run_.run.engine.placement);
  s.step = steps_done();
  s.epoch = epoch();
  s.parameters = problem_.objective->layout().parameters();
  s.examples = problem_.train.plan().count();
  s.gradient_flop = problem_.train.shape().sparse ? 0 : problem_.objective->gradient_flop();
  s.figures = figures_;
  if (run_.problem) s.least = model::known_with(*run_.problem, run_.regularizer).least;
  if (state_.counter("trainer.best_step") >= 0) s.best_step = state_.counter("trainer.best_step");
  s.best_value = state_.scalar("trainer.best_value");
  s.best_metric = run_.stop.metric;
  s.method_costs = engine_.meter().of(engine::Asker::method);
  s.observer_costs = engine_.meter().of(engine::Asker::observer);
  s.seconds = seconds();
  s.part_seconds = elapsed();
  s.training_seconds = training_seconds_;
  s.checkpoint_seconds = checkpoint_seconds_;
  s.trace_seconds = trace_seconds_;
  s.disk_seconds = disk_seconds_;
  s.files = files_written();
  s.files.last_checkpoint = saved_step_;
  if (writes_ && !best_changed_ && s.best_step) s.files.best = *s.best_step;
  s.nonfinite = {.skipped = state_.counter("trainer.skipped"),
                 .rollbacks = state_.counter("trainer.rollbacks"),
                 .lr_factor = state_.scalar("trainer.lr_factor")};
  s.evaluation_seconds = evaluation_seconds_;
  s.phases = phases_;
  s.memory = memory_of(problem_, state_.layout(), run_.run.engine, engine_, facts_.ranks);
  s.part_steps = steps_done() - first_step_;
  s.traffic = {.messages = engine_.traffic().messages - traffic_before_.messages,
               .bytes = engine_.traffic().bytes - traffic_before_.bytes};
  s.examples_per_second = training_seconds_ > 0 ? examples_ / training_seconds_ : 0;
  s.ranks = facts_.ranks;
  s.threads = facts_.threads;
  s.part = state_.counter("trainer.part");
  return s;
}

template <class Real>
std::vector<TrainedTensor> Coordinator<Real>::parameters() {
  std::vector<TrainedTensor> all;
  engine_.read(output_, [&](std::span<const Real> values) {
    for (const math::Tensor& t : problem_.objective->layout().tensors()) {
      const auto part = values.subspan(t.offset, t.size);
      all.push_back({t.name, t.shape, std::vector<double>(part.begin(), part.end())});
    }
  });
  return all;
}

#define TALWEG_COORDINATOR(Real)                                                         \
  template void Coordinator<Real>::start();                                              \
  template void Coordinator<Real>::expect_own_inputs(const std::string&);                \
  template void Coordinator<Real>::expect_nothing_to_resume();                           \
  template void Coordinator<Real>::continue_trace();                                     \
  template void Coordinator<Real>::resume(io::Checkpoint, const std::filesystem::path&); \
  template void Coordinator<Real>::write_lost_best(io::Checkpoint&);                     \
  template Summary Coordinator<Real>::summarise(const Ending&);                          \
  template std::vector<TrainedTensor> Coordinator<Real>::parameters();
TALWEG_COORDINATOR(float)
TALWEG_COORDINATOR(double)
#undef TALWEG_COORDINATOR

}  // namespace talweg::train
