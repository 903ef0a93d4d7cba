// SPDX-License-Identifier: Apache-2.0
#include "train/resume.hpp"

#include <algorithm>

#include "report/stored_summary.hpp"
#include "report/summary.hpp"
#include "train/config_change.hpp"
#include "train/slots.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

/// best.h5 of a run that diverged before its first checkpoint says so itself (Archive::save_best).
bool diverged_first(const std::filesystem::path& best) {
  try {
    return io::load(best).attributes["ending"] == io::kDiverged;
  } catch (const base::Error&) {
    return false;
  }
}

/// Rank 0's part of a beginning; nothing of it is collective.
class Opening {
 public:
  Opening(Run& run, run::DiskArchive* disk) : run_(run), disk_(disk) {}

  Beginning begin();

 private:
  void expect_nothing_to_resume() const;
  void expect_own_inputs(const std::string& before) const;
  [[nodiscard]] std::string logged_changes(const io::Checkpoint& checkpoint, const std::string& file, bool& forget_best) const;
  Beginning resume(io::Checkpoint checkpoint, const std::string& file);
  [[nodiscard]] const io::RunDirectory& directory() const { return disk_->directory(); }

  Run& run_;
  run::DiskArchive* disk_;  // null: the run writes nothing
};

Beginning Opening::begin() {
  std::optional<io::CheckpointStore::Loaded> earlier;
  if (disk_ != nullptr) {
    if (!run_.options.fresh) {
      earlier = disk_->newest();
      if (!earlier) expect_nothing_to_resume();
    }
    expect_own_inputs(earlier ? earlier->checkpoint.config : "");
    disk_->describe_trace(describe_trace(run_));
  }
  Beginning beginning;
  if (earlier) {
    beginning = resume(std::move(earlier->checkpoint), earlier->path.string());
  } else {
    fill_initial(run_);
    // The new run can begin: no file is missing, none is read again.
    if (disk_ != nullptr) run_.options.fresh ? disk_->drop_earlier_run() : disk_->make_way();
  }
  if (disk_ == nullptr || beginning.already_finished) return beginning;
  disk_->publish(directory().config(), run_.config.resolved_toml());
  if (earlier) return beginning;
  disk_->begin();
  disk_->event("start", fmt::format("{} on {}", run_.settings.method_name, describe_machine(run_)));
  return beginning;
}

/// A run does not overwrite what it is made of. `before`: the config that it wrote itself, by its last checkpoint.
void Opening::expect_own_inputs(const std::string& before) const {
  std::error_code ignored;
  const auto config = directory().config();
  const bool given = std::filesystem::equivalent(run_.config.name(), config, ignored) &&
                     !std::filesystem::is_symlink(config, ignored);  // only the link would be replaced
  const std::string text = given ? base::read_text(config) : "";
  if (given && text != before && text != run_.config.resolved_toml()) {
    base::fail(
        ExitCode::usage,
        "{}: found the config itself where the run keeps it as it was resolved, without comments; expected another --run",
        config.string());
  }
  const model::InitConfig& init = run_.settings.init;
  if (!before.empty() || init.kind != "file") return;
  std::vector<io::CheckpointFile> dropped = io::checkpoints_in(directory().checkpoints());
  dropped.push_back({directory().best(), 0});
  for (const io::CheckpointFile& file : dropped) {
    if (!std::filesystem::equivalent(init.path, file.path, ignored)) continue;
    base::fail(ExitCode::usage,
               "{}: found init.path among the earlier run's checkpoints, which make way for this one, expected another --run",
               init.path.string());
  }
}

/// Without an intact checkpoint a run begins anew, but never over one that somebody may still want.
void Opening::expect_nothing_to_resume() const {
  if (const auto damaged = io::checkpoints_in(directory().checkpoints()); !damaged.empty()) {
    base::fail(ExitCode::bad_data, "{}: found {} checkpoint{}, none intact, expected one to go on from; --fresh starts anew",
               directory().checkpoints().string(), damaged.size(), damaged.size() == 1 ? "" : "s");
  }
  if (std::filesystem::exists(directory().best()) && !diverged_first(directory().best())) {
    base::fail(
        ExitCode::input_missing,
        "{}: found best.h5 and no step-*.h5, expected one to go on from; --fresh starts anew and drops it, another --run "
        "with init.kind=file and init.path={} begins at the best point",
        directory().checkpoints().string(), directory().best().string());
  }
  if (const report::SummaryFacts told = report::read_facts(directory().summary()); told.last_checkpoint >= 0) {
    base::fail(ExitCode::input_missing, "{}: not there, but {} says that it is the last one; --fresh starts anew",
               io::checkpoint_file(directory().checkpoints(), told.last_checkpoint).string(), directory().summary().string());
  }
  if (std::filesystem::exists(directory().trace())) {
    run_.log.warn(fmt::format("{} holds a trace and no checkpoint: starting at step 0", directory().root.string()));
  }
}

/// The changes of the config that are allowed and told; Error(bad_config) names those that make it another run.
std::string Opening::logged_changes(const io::Checkpoint& checkpoint, const std::string& file, bool& forget_best) const {
  const base::Config before = base::Config::parse(checkpoint.config, file + " (its config)");
  const RunConfig was = parse_run(before, given_by(run_.options));
  const auto kept = method_slots(*was.method, run_.problem.layout());
  const auto wanted = method_slots(*run_.settings.method, run_.problem.layout());
  const bool same_state = std::ranges::includes(kept, wanted);  // what is there and not wanted is forgotten
  std::string logged, refused;
  auto changes = config_changes(before, run_.config);
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
               directory().root.string(), refused);
  }
  return logged;
}

Beginning Opening::resume(io::Checkpoint checkpoint, const std::string& file) {
  bool forget_best = false;
  const std::string logged = logged_changes(checkpoint, file, forget_best);
  expect_data_of(checkpoint, file, run_.problem);
  restore(checkpoint, file, run_);
  if (forget_best) {
    run_.counter("trainer.best_step") = -1;
    run_.counter("trainer.since_best") = 0;
    if (run_.settings.schedule->observes()) run_.counter("schedule.seen") = run_.counter("schedule.waits") = 0;
  }
  disk_->best_changed(run_.counter("trainer.best_step") >= 0);  // best.h5 may be of a later step, or lost
  ++run_.counter("trainer.part");
  run_.clock.continue_from(run_.scalar("trainer.seconds"));
  disk_->stand_at(run_.done());
  const std::string reason = checkpoint.attributes["ending"];
  const bool complete = run_.done() >= run_.steps;
  const bool stands = !reason.empty() && logged.empty();
  if (complete || stands) {
    if (!logged.empty()) run_.log.warn("config changed, with no step left that it could change: " + logged);
    if (!forget_best) {
      // The checkpoint holds what best.h5 should: a kill came between the two, or somebody has lost it.
      disk_->best_changed(false);
      if (run_.counter("trainer.best_step") >= 0) disk_->write_lost_best(checkpoint);
    }
    // A kill or the disk came before the trace was finished.
    if (report::read_facts(directory().summary()).code != 0) disk_->continue_from(run_.done(), run_.counter("trainer.row"));
    return {.already_finished = true,
            .earlier = finished(stands                    ? reason
                                : run_.settings.run.steps ? "steps"
                                                          : "epochs",
                                fmt::format("this run had already ended at step {}", run_.done()))};
  }
  run_.log.info(fmt::format("resuming {} at step {} of {} (part {})", directory().root.string(), run_.done(), run_.steps,
                            run_.counter("trainer.part")));
  if (run_.scalar("trainer.lr_factor") != 1) {
    run_.log.info(fmt::format("learning rates are {:g} of the config's, after {} rollback{}", run_.scalar("trainer.lr_factor"),
                              run_.counter("trainer.rollbacks"), run_.counter("trainer.rollbacks") == 1 ? "" : "s"));
  }
  disk_->drop_summary();  // of the part before: the trace may be cut back now
  disk_->continue_from(run_.done(), run_.counter("trainer.row"));
  disk_->event("resume", fmt::format("at step {} on {}", run_.done(), describe_machine(run_)));
  if (!logged.empty()) {
    run_.log.info("config changed: " + logged);
    disk_->event("config", logged);
  }
  return {};
}

}  // namespace

Beginning begin(Run& run) {
  Beginning beginning;
  run.comm.set_activity(comm::Activity::disk);
  run.on_rank_0([&] {
    run::DiskArchive* disk = nullptr;
    if (run.writes) {
      auto made = std::make_unique<run::DiskArchive>(io::RunDirectory{run.options.run}, run.settings.checkpoint, run.comm,
                                                     run.clock, run.log);
      disk = made.get();
      run.archive = std::move(made);
    }
    beginning = Opening(run, disk).begin();
  });
  run.comm.set_activity(comm::Activity::updating);
  run.session.distribute(run.state);
  run.session.load_from(run.state, "rank 0's state");
  run.first_step = run.done();
  beginning.already_finished = run.decide(beginning.already_finished);
  if (beginning.already_finished) beginning.earlier = run.decide(std::move(beginning.earlier));
  return beginning;
}

}  // namespace talweg::train
