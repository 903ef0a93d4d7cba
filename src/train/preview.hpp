// SPDX-License-Identifier: Apache-2.0
// What a config would do, without training.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "talweg/config.hpp"
#include "talweg/log.hpp"
#include "talweg/method.hpp"

namespace talweg::train {

struct Preview {
  std::uint64_t train = 0;  // examples of each part
  std::uint64_t valid = 0;
  std::uint64_t test = 0;
  std::size_t features = 0;
  std::size_t classes = 0;  // 0: numeric targets
  bool sparse = false;
  std::string model;
  std::size_t parameters = 0;
  std::int64_t steps = 0;
  std::uint64_t steps_per_epoch = 0;  // in the first
  std::uint64_t batch = 0;            // of the first step
  std::uint64_t last_batch = 0;       // of the last
  optim::Cost cost;                   // of the first epoch, evaluation apart
  std::uint32_t leaf = 0;
  std::uint32_t shards = 0;
  std::vector<std::uint64_t> leaves_per_rank;  // [ranks] of the busiest of the first steps, of the last where batches grow
  std::size_t state_vectors = 0;               // parameter-shaped, x included
  std::string placement;
  int nodes = 1;
  double coordinator_megabytes = 0;  // with its node's state, and a checkpoint being written
  double worker_megabytes = 0;       // each other rank's own
  double node_state_megabytes = 0;   // what the ranks of each further node share
};

/// Reads config and data on this one process, for a run of so many ranks on so many nodes. Throws what train() would.
Preview preview(const base::Config& config, int ranks, int nodes, const base::Log& log);

}  // namespace talweg::train
