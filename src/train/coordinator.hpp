// SPDX-License-Identifier: Apache-2.0
// The loop of a run, on rank 0: step, report, evaluate, stop?, checkpoint. The loop itself is in coordinator.cpp, evaluations
// and what follows from them in coordinator_observing.cpp, starting and resuming in coordinator_files.cpp, what is handed to
// the disk in coordinator_writing.cpp, what happens to numbers that are not finite in coordinator_nonfinite.cpp.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/lock.hpp"
#include "io/run_directory.hpp"
#include "talweg/train.hpp"
#include "train/progress.hpp"
#include "train/run_config.hpp"
#include "train/writer.hpp"

namespace talweg::train {

/// What the coordinator is told about the run besides config and problem.
struct RunFacts {
  data::Transform transform;
  std::string fingerprint;
  int ranks = 1;
  int threads = 1;
};

inline Ending finished(std::string reason, std::string message) {
  return {base::ExitCode::finished, std::move(reason), std::move(message)};
}

template <class Real>
class Coordinator {
 public:
  Coordinator(const base::Config& config, const RunConfig& run, const TrainOptions& options, const RunFacts& facts,
              engine::Engine<Real>& engine, const engine::Problem<Real>& problem, math::StateLayout layout,
              const base::Log& log);

  /// The whole run. Ends the workers in every case but an AgreedFailure, of which they know.
  TrainResult run();

 private:
  using Clock = std::chrono::steady_clock;

  void start();  // fresh parameters, or the newest intact checkpoint
  void expect_own_inputs(const std::string& before);
  void expect_nothing_to_resume();
  void resume(io::Checkpoint checkpoint, const std::filesystem::path& file);
  void write_lost_best(io::Checkpoint& checkpoint);  // of a run that has ended
  void continue_trace();
  Ending go_on();
  Ending to_the_end();
  void conclude();
  // Numbers that are not finite, by [run] nonfinite.
  [[nodiscard]] bool may_leave_out();                  // the step that has just failed
  void leave_out();                                    // what is reported of it
  void tell_of_step_left_out(const std::string& why);  // once it is counted
  /// Back to the last checkpoint, with smaller steps; that is on the disk when it returns. False: the run is to end.
  bool roll_back(const std::string& why);
  Ending diverged(const std::string& why);
  std::optional<Ending> loop();  // until something ends it; nothing: all steps are done
  void step();
  void forget_warm_up();  // bench: what the first steps cost
  void record(const optim::StepReport& report, const engine::Phases& before, double seconds);
  std::optional<Ending> observe();  // evaluation and what it decides
  double gradient_norm();
  std::optional<Ending> check_gradient_norm();
  bool asked_to_stop();  // by a file in the run directory; looked for a few times a second
  void keep_best(const Figures& figures);
  void tell_schedule(const Figures& figures);  // what an evaluation found, if it goes by that

  void write_from_now(std::unique_ptr<io::TraceWriter> trace);
  void record_figures();
  void event(std::string_view kind, const std::string& message);
  /// Or when it was asked for. One that is still being written is not waited for: the newest state is taken when it is done.
  void checkpoint_if_due(bool asked);
  io::Checkpoint& fill_snapshot();
  /// Copies the state and lets it be written. Error(diverged) when it is not finite.
  void save_checkpoint();
  void save_best();  // alone, if it is not on the disk yet
  [[nodiscard]] FilesWritten files_written() const;
  void hear();                                        // what the writer could not write becomes warnings and events
  [[nodiscard]] std::string last_checkpoint() const;  // in words
  void tell_of_lost_best();                           // when best.h5 is of another step than the best that is reported
  void wait_for_disk();
  void finish_trace();
  /// `ending`, or, with a `problem`, that the run's last files are not on the disk.
  Ending unless_lost(Ending ending, const std::string& problem) const;

  Summary summarise(const Ending& ending);
  std::vector<TrainedTensor> parameters();

  [[nodiscard]] std::int64_t steps_done() { return state_.counter("trainer.step"); }
  [[nodiscard]] double elapsed() const;  // of this part
  [[nodiscard]] double seconds() const;  // of all parts
  [[nodiscard]] double epoch();
  /// True when step `done` completes a period of `epochs` epochs.
  [[nodiscard]] bool completes(double epochs, std::int64_t done) const;
  [[nodiscard]] ProgressState progress_state();

  const base::Config& config_;
  const RunConfig& run_;
  const TrainOptions& options_;
  const RunFacts& facts_;
  engine::Engine<Real>& engine_;
  const engine::Problem<Real>& problem_;
  math::State state_;
  math::Vector x_;       // where the method takes its gradients
  math::Vector output_;  // the point it gives: evaluated, judged, exported; often x itself
  io::RunDirectory directory_;
  bool writes_;  // there is a run directory
  std::optional<io::DirectoryLock> lock_;
  io::CheckpointStore checkpoints_{directory_.checkpoints()};
  std::optional<Writer> writer_;  // while the run goes on
  Progress progress_;
  base::Log log_;

  std::int64_t steps_per_epoch_;
  std::int64_t steps_;  // planned
  Clock::time_point started_ = Clock::now();
  Clock::time_point snapshot_at_ = Clock::now();
  Clock::time_point look_at_ = Clock::now();  // for a stop file
  std::int64_t snapshot_step_ = -1;           // of the last one handed over
  std::int64_t saved_step_ = -1;              // of the last one on the disk, as far as the writer was asked
  bool asked_ = false;                        // for a checkpoint, by a signal
  std::int64_t due_step_ = -1;                // of a checkpoint that waits for the one being written
  Clock::time_point due_at_ = Clock::now();
  std::int64_t late_ = 0;  // how many have waited
  bool told_late_ = false;
  std::int64_t first_step_ = 0;
  comm::Traffic traffic_before_;  // of the steps before first_step_
  double seconds_before_ = 0;     // of earlier parts
  double examples_ = 0;           // in this part
  double training_seconds_ = 0;
  engine::Phases phases_;  // inside steps
  double evaluation_seconds_ = 0;
  double checkpoint_seconds_ = 0;    // that steps have stood still for
  double trace_seconds_ = 0;         // the same
  double disk_seconds_ = 0;          // waiting for the disk at the end
  std::int64_t observed_step_ = -1;  // of the last evaluation
  std::int64_t norm_step_ = -1;      // of the last full gradient, whose norm is norm_
  double norm_ = 0;
  bool best_changed_ = false;
  bool left_out_ = true;  // the step before, perhaps: a resumed run does not know
  std::int64_t rolled_back_to_ = -1;
  FilesWritten written_;       // before the writer at hand
  bool ended_before_ = false;  // resumed a run whose ending still stands
  Ending earlier_;
  Figures figures_;  // the last evaluation's
  optim::StepReport report_;
};

/// Steps left out, rollbacks and what they have made of learning rates.
void declare_nonfinite_slots(math::StateLayout& layout);
/// The slots the trainer and the engine need; x and the method's own are declared beside them.
void declare_trainer_slots(math::StateLayout& layout, std::size_t tensors);
/// What a schedule that goes by evaluations remembers of them.
void declare_schedule_slots(math::StateLayout& layout, const optim::Schedule& schedule);

}  // namespace talweg::train
