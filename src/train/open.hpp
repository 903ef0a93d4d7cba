// SPDX-License-Identifier: Apache-2.0
// From a checked config to a problem and a session, on all ranks.
#pragma once

#include <memory>

#include "engine/problem.hpp"
#include "talweg/communicator.hpp"
#include "talweg/log.hpp"
#include "talweg/train.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

/// What F is made of. `options.rows` must outlive the source.
engine::ProblemSource source_of(const RunConfig& run, const TrainOptions& options = {});

/// Collective: reads the data, builds F, and sees that all ranks read the same and that the method takes the model. Only rank 0
/// uses `log`.
std::unique_ptr<engine::Problem> open_problem(const RunConfig& run, const TrainOptions& options, comm::Communicator& comm,
                                              const base::Log& log);

}  // namespace talweg::train
