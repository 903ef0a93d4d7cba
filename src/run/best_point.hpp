// SPDX-License-Identifier: Apache-2.0
// A checkpoint as that of its best point: what best.h5 is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "io/checkpoint.hpp"

namespace talweg::run {

/// While it lives a checkpoint is that of its best point, with all that is said about the run and nothing of what the method
/// keeps: that is of a later step, and may be what no longer is a number. Nothing is copied.
class AsBest {
 public:
  explicit AsBest(io::Checkpoint& checkpoint) : checkpoint_(checkpoint), step_(checkpoint.step) {
    auto& best = checkpoint.state.at("trainer.best");
    checkpoint.step = checkpoint.counters.at("trainer.best_step");
    checkpoint.parameters.swap(best);
    state_.swap(checkpoint.state);
    arrays_.swap(checkpoint.arrays);
    scalars_.swap(checkpoint.scalars);
    checkpoint.scalars.emplace("trainer.best_value", scalars_.at("trainer.best_value"));
  }
  ~AsBest() {
    scalars_.swap(checkpoint_.scalars);
    arrays_.swap(checkpoint_.arrays);
    state_.swap(checkpoint_.state);
    checkpoint_.parameters.swap(checkpoint_.state.find("trainer.best")->second);
    checkpoint_.step = step_;
  }
  AsBest(const AsBest&) = delete;
  AsBest& operator=(const AsBest&) = delete;

 private:
  io::Checkpoint& checkpoint_;
  std::int64_t step_;
  decltype(io::Checkpoint::state) state_;
  decltype(io::Checkpoint::arrays) arrays_;
  decltype(io::Checkpoint::scalars) scalars_;
};

}  // namespace talweg::run
