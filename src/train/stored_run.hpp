// SPDX-License-Identifier: Apache-2.0
// A checkpoint opened again for more than training: its config, its problem, a session with its point.
#pragma once

#include <memory>

#include "engine/problem.hpp"
#include "engine/session.hpp"
#include "io/checkpoint.hpp"
#include "talweg/communicator.hpp"
#include "talweg/log.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

struct StoredRun {
  std::string file;
  io::Checkpoint checkpoint;
  RunConfig run;
};

/// Collective: rank 0 reads the checkpoint, all get it.
StoredRun open_stored(const std::filesystem::path& checkpoint, comm::Communicator& comm);

/// Collective: the run's own data and objective. Error(bad_data) when the data is other than the checkpoint's.
std::unique_ptr<engine::Problem> open_problem_of(const StoredRun& stored, comm::Communicator& comm, const base::Log& log);

/// A session on a problem, at the stored point.
struct StoredPoint {
  /// Collective.
  StoredPoint(const StoredRun& stored, const engine::Problem& problem, int thread_count, comm::Communicator& comm);
  math::Threads threads;
  math::State state;
  std::unique_ptr<engine::Session> session;
  math::Vector x;
};

}  // namespace talweg::train
