// SPDX-License-Identifier: Apache-2.0
// [run], as far as the engine is concerned.
#pragma once

#include <cstdint>
#include <vector>

#include "data/shards.hpp"
#include "engine/node_sums.hpp"
#include "engine/owners.hpp"

namespace talweg::engine {

struct EngineOptions {
  data::Sampling sampling = data::Sampling::shuffle;
  std::uint64_t seed = 1;
  std::uint64_t batch = 0;  // examples per minibatch; 0: all of them
  std::uint32_t leaf = 0;   // examples per leaf; 0: chosen from the batch
  Reduction reduction = Reduction::exact;
  Placement placement = Placement::replicated;
  std::vector<data::BatchChange> batches{};  // what `batch` becomes in later epochs
};

/// Examples per leaf of a run over `count` examples.
std::uint32_t leaf_of(const EngineOptions& options, std::uint64_t count);
/// The order in which such a run asks for its examples.
data::Order order_of(const EngineOptions& options, const data::ShardPlan& plan);

}  // namespace talweg::engine
