// SPDX-License-Identifier: Apache-2.0
// The loop of a run. Every rank runs it: steps, evaluations and stop criteria follow from reduced numbers and are the same
// everywhere. What rank 0 alone knows reaches the others in one small broadcast after each step (Orders).
#pragma once

#include <optional>

#include "train/observer.hpp"
#include "train/progress.hpp"
#include "train/recovery.hpp"
#include "train/resume.hpp"
#include "train/run.hpp"
#include "train/stops.hpp"

namespace talweg::train {

class Loop {
 public:
  Loop(Run& run, Progress& progress) : run_(run), progress_(progress), observer_(run), recovery_(run) {}

  /// The whole run. Collective.
  TrainResult run();

 private:
  /// What the ranks do after a step, by rank 0's word.
  struct Orders {
    Stop stop = Stop::none;
    bool save = false;
  };

  Ending run_with_rollbacks();
  Ending run_to_end();
  /// Steps until something ends the run; nothing: all are done.
  std::optional<Ending> run_steps();
  /// Before the first step.
  std::optional<Ending> look_at_start();
  void step();
  [[nodiscard]] optim::Progress progress() const;
  void record(double seconds, const engine::Phases& before);
  Orders agree(bool asked);
  [[nodiscard]] bool time_is_over() const;
  /// The trace's end, and what became of the disk; the same ending on all ranks.
  Ending close(Ending ending);
  void write_summary(const Summary& summary);
  void forget_warm_up();
  [[nodiscard]] ProgressState progress_state() const;

  Run& run_;
  Progress& progress_;
  Observer observer_;
  Recovery recovery_;
  Beginning beginning_;
  optim::StepReport report_;  // the last step's
};

}  // namespace talweg::train
