// SPDX-License-Identifier: Apache-2.0
// What a run reports at its end: plain data. Text and JSON of it are made in src/report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "talweg/error.hpp"
#include "talweg/meter.hpp"

namespace talweg::train {

/// Named numbers in a fixed order; NaN: not measured this time.
class Figures {
 public:
  void set(std::string_view name, double value);
  [[nodiscard]] double get(std::string_view name) const;  // NaN when absent
  [[nodiscard]] const std::vector<std::pair<std::string, double>>& all() const { return values_; }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

/// The figure that holds the norm of the gradient over all training examples: "full_gradient_norm", or "prox_gradient_norm" where
/// Omega is not smooth.
std::string_view gradient_figure(bool smooth);

/// Why a run ended.
struct Ending {
  base::ExitCode code = base::ExitCode::finished;
  std::string reason;   // "epochs", "gradient_norm", "patience", "signal", "diverged", ...
  std::string message;  // one sentence
};

/// Files written in the background, by a thread of their own.
struct FilesWritten {
  std::int64_t checkpoints = 0;
  std::int64_t failed = 0;            // checkpoints that could not be written
  std::int64_t late = 0;              // checkpoints that had to wait for the one before
  std::int64_t last_checkpoint = -1;  // step of the last checkpoint on the disk; -1: none
  std::int64_t best = -1;             // step of best.h5; -1: none
  double checkpoint_seconds = 0;
  double trace_seconds = 0;
};

/// How often numbers that are not finite were recovered from, over all parts of the run.
struct NonFiniteCounts {
  std::int64_t skipped = 0;    // skipped steps
  std::int64_t rollbacks = 0;  // except those undone by a later one
  double lr_factor = 1;        // product of the rollbacks' cuts of the learning rate
};

/// Bytes of memory on a rank that grow with the problem. Ranks of a node share parameters and state unless the placement is
/// "coordinator", where the others have neither.
struct Memory {
  double parameters = 0;
  double method_state = 0;  // the method's vectors
  double tables = 0;        // its other numbers, those per example included
  double other_state = 0;   // the trainer's
  double sums = 0;          // in which gradients are added up
  double activations = 0;   // of the leaves that are worked on at the same time
  double full_pass = 0;     // additional memory of the pass over all examples at the end, its gradient included
  double prepared = 0;      // what the model prepares from a point for its leaves
  double shard = 0;         // this rank's examples
  double snapshot = 0;      // the writer's copy of all state, once there has been a checkpoint
  [[nodiscard]] double all() const {
    return parameters + method_state + tables + other_state + sums + activations + full_pass + prepared + shard + snapshot;
  }
};

/// What a run reports. Times are the coordinator's.
struct Summary {
  Ending ending;
  std::string method;
  std::string model;
  std::string placement;
  std::int64_t step = 0;
  double epoch = 0;
  std::size_t parameters = 0;
  std::uint64_t examples = 0;             // of the training part
  double gradient_flop = 0;               // per example, with dense features; 0: not known
  Figures figures;                        // at the last step
  std::optional<double> least;            // F*, of a problem that knows it
  std::optional<std::int64_t> best_step;  // and the best by [stop].metric
  double best_value = 0;
  std::string best_metric;
  engine::Costs method_costs;
  engine::Costs observer_costs;
  double seconds = 0;  // over all parts of the run
  // Of this part only. For checkpoints and trace: how long steps waited for them.
  std::int64_t part_steps = 0;
  double part_seconds = 0;
  double training_seconds = 0;
  double checkpoint_seconds = 0;
  double trace_seconds = 0;
  double evaluation_seconds = 0;
  double disk_seconds = 0;  // waiting at the end until all is on the disk
  FilesWritten files;
  NonFiniteCounts nonfinite;
  engine::Phases phases;           // of the time inside steps
  double examples_per_second = 0;  // of training steps
  Memory memory;                   // on the coordinator
  comm::Traffic traffic;           // what the coordinator handed to collectives
  int ranks = 1;
  int threads = 1;
  std::int64_t part = 0;  // resumes so far
};

}  // namespace talweg::train
