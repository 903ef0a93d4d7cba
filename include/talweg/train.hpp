// SPDX-License-Identifier: Apache-2.0
// A training run from config to result. Every rank calls train(); the coordinator (rank 0) owns the loop, the run directory and
// everything printed, the others answer oracle requests. No method's name appears here.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "talweg/communicator.hpp"
#include "talweg/config.hpp"
#include "talweg/error.hpp"
#include "talweg/log.hpp"
#include "talweg/meter.hpp"
#include "talweg/signals.hpp"
#include "talweg/terms.hpp"

namespace talweg::train {

/// The progress line on stderr: a bar on a terminal, a plain line every few seconds elsewhere, JSON lines for programs.
enum class ProgressStyle { none, bar, plain, json };

/// Rows held in memory by an embedding program: dense [count, features] row-major, one target each.
struct UserRows {
  std::size_t count = 0;
  std::size_t features = 0;
  std::vector<double> rows;
  std::vector<double> targets;
};

struct TrainOptions {
  std::filesystem::path run;  // run directory; empty: nothing is written
  bool fresh = false;         // start anew even if the directory holds a run
  int threads = 0;            // per rank; 0: cores this rank may use
  ProgressStyle progress = ProgressStyle::none;
  // Only steps, at least ten and for so many seconds, after a few that are not counted: [stop], the length of [run] and
  // evaluations are left out. 0: a run as the config says.
  double bench_seconds = 0;
  // When stop.wall_seconds began; nothing: as train() has read the data.
  std::optional<std::chrono::steady_clock::time_point> started;
  // What is asked of the run from outside, as base::Signal bits since the last call; each rank asks its own. SignalWatch::take
  // is one such function; empty: nothing is asked.
  std::function<std::uint32_t()> signals;
  // Embedding: a user's own f_i instead of [model], rows instead of [data].
  std::shared_ptr<const model::UserTerms> terms;
  std::optional<UserRows> rows;
};

/// Named numbers in a fixed order; NaN: not measured this time.
class Figures {
 public:
  void set(std::string_view name, double value);
  [[nodiscard]] double get(std::string_view name) const;  // NaN when absent
  [[nodiscard]] const std::vector<std::pair<std::string, double>>& all() const { return values_; }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

/// Why a run ended.
struct Ending {
  base::ExitCode code = base::ExitCode::finished;
  std::string reason;   // "epochs", "gradient_norm", "patience", "signal", "diverged", ...
  std::string message;  // one sentence
};

/// What was written beside the steps, by a thread of its own.
struct FilesWritten {
  std::int64_t checkpoints = 0;
  std::int64_t failed = 0;            // checkpoints that could not be written
  std::int64_t late = 0;              // that waited for the one before them to be on the disk
  std::int64_t last_checkpoint = -1;  // steps of what is on the disk at the end; -1: nothing
  std::int64_t best = -1;
  double checkpoint_seconds = 0;
  double trace_seconds = 0;
};

/// What was done about numbers that are not finite, over all parts.
struct NonFiniteCounts {
  std::int64_t skipped = 0;    // steps left out
  std::int64_t rollbacks = 0;  // that were not undone by a later one
  double lr_factor = 1;        // of learning rates, by rollbacks
};

/// Bytes of what a rank holds that grows with the problem. Ranks of a node share parameters and state unless the placement is
/// "coordinator", where the others have neither.
struct Memory {
  double parameters = 0;
  double method_state = 0;  // the method's vectors
  double tables = 0;        // its numbers that are no vectors, per example ones too
  double other_state = 0;   // the trainer's
  double sums = 0;          // what gradients are added up in
  double activations = 0;   // of a step's leaves in work at a time
  double full_pass = 0;     // what the pass over all examples at the end has beside those, and its gradient
  double prepared = 0;      // what the model makes of a point for its leaves
  double shard = 0;         // this rank's examples
  double snapshot = 0;      // the writer's copy of all state, from the first checkpoint on
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
  // Of this part: all of it, inside steps, and so on. For checkpoints and trace: how long steps stood still for them.
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

/// One parameter tensor of the final point, in double whatever the precision.
struct TrainedTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

struct TrainResult {
  Summary summary;                        // coordinator only
  std::vector<TrainedTensor> parameters;  // coordinator only
};

/// Trains, or resumes what the run directory holds. Collective. Errors before and between steps are thrown on every rank alike;
/// endings (stops, divergence, signals) are returned: summary.ending.code is the same on every rank.
TrainResult train(const base::Config& config, const TrainOptions& options, comm::Communicator& comm, const base::Log& log);

}  // namespace talweg::train
