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
#include <vector>

#include "talweg/communicator.hpp"
#include "talweg/config.hpp"
#include "talweg/log.hpp"
#include "talweg/method.hpp"
#include "talweg/objective.hpp"
#include "talweg/signals.hpp"
#include "talweg/summary.hpp"
#include "talweg/terms.hpp"

namespace talweg::train {

/// The progress line on stderr: a bar on a terminal, a plain line every few seconds elsewhere, JSON lines for programs.
enum class ProgressStyle { none, bar, plain, json };

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
  // Embedding: a user's own f_i instead of [model], one example at a time or as an Objective; rows instead of [data].
  std::shared_ptr<const model::UserTerms> terms;
  std::optional<model::OwnObjective> objective;
  std::optional<model::UserRows> rows;
  // Update rules and methods of the program's own: [method] may name them as it names Talweg's. A run that is resumed is given
  // the same ones again.
  std::vector<optim::Entry> methods;
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
