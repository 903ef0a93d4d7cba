// SPDX-License-Identifier: Apache-2.0
// Puts the numbers of the state back unless the step came to its end.
#pragma once

#include "talweg/state.hpp"

namespace talweg::optim {

class Undo {
 public:
  explicit Undo(math::State& state) : state_(state), before_(state.numbers()) {}
  ~Undo() {
    if (!kept_) state_.set(before_);
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  void keep() { kept_ = true; }

 private:
  math::State& state_;
  math::Numbers before_;
  bool kept_ = false;
};

}  // namespace talweg::optim
