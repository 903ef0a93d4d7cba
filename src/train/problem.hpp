// SPDX-License-Identifier: Apache-2.0
// From a checked config to the problem on this rank: data read, objective built.
#pragma once

#include "io/checkpoint.hpp"
#include "talweg/communicator.hpp"
#include "talweg/log.hpp"
#include "talweg/train.hpp"
#include "train/coordinator.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

template <class Real>
struct Loaded {
  engine::Problem<Real> problem;
  RunFacts facts;
};

/// Not collective: every rank reads; callers agree on how it went (comm::run_on_all_ranks).
template <class Real>
Loaded<Real> load_problem(const RunConfig& run, const TrainOptions& options, const comm::Communicator& comm,
                          const base::Log& log);

/// Collective: bounds of the terms' curvature from the rows of all ranks; nothing when the objective is not linear.
template <class Real>
std::optional<optim::CurvatureBounds> curvature_bounds(const engine::Problem<Real>& problem, comm::Communicator& comm);

/// Collective: Error(bad_data) when the ranks did not read the same data (another folder, a stale copy).
void expect_same_data(const RunFacts& facts, comm::Communicator& comm);
/// Error(bad_data) when the data is not what the checkpoint `file` was made from.
void expect_data_of(const io::Checkpoint& checkpoint, const std::string& file, const RunFacts& facts);

}  // namespace talweg::train
