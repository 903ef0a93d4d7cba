// SPDX-License-Identifier: Apache-2.0
// A checkpoint as that of its best point: what best.h5 is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "talweg/io/checkpoint.hpp"

namespace talweg::train {

/// While it lives a checkpoint is that of its best point, with all that is said about the run. Nothing is copied.
class AsBest {
 public:
  explicit AsBest(io::Checkpoint& checkpoint) : checkpoint_(checkpoint), step_(checkpoint.step) {
    auto& best = checkpoint.state.at("trainer.best");
    checkpoint.step = checkpoint.counters.at("trainer.best_step");
    checkpoint.parameters.swap(best);
    state_.swap(checkpoint.state);
  }
  ~AsBest() {
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
};

}  // namespace talweg::train
