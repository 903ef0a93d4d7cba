// SPDX-License-Identifier: Apache-2.0
// The momentum of step t. It changes the meaning of the buffer, so it belongs to the rule and is no learning-rate schedule.
//   constant    momentum
//   sutskever   min(1 - 2^(-1 - log2(floor(t / momentum_stage) + 1)), momentum), stages of 250 steps, and 0.9 at most from
//               step momentum_drop on, which the paper has 1000 steps before the last (Sutskever, Martens, Dahl & Hinton, ICML
//               2013, equation 5 and section 3)
#pragma once

#include <algorithm>
#include <cstdint>

#include "talweg/config.hpp"

namespace talweg::optim {

class MomentumSchedule {
 public:
  MomentumSchedule(const base::Section& s, double fallback)
      : momentum_(
            s.number("momentum", fallback, base::Range::decay(), "decay of the accumulated gradient; the largest there is")),
        grows_(s.choice("momentum_schedule", "constant", {"constant", "sutskever"},
                        "how momentum changes: sutskever grows it as 1/2, 3/4, 5/6, ... by stages") == "sutskever") {
    if (!grows_) return;
    stage_ = s.integer("momentum_stage", stage_, base::Range::at_least(1), "updates until momentum grows");
    drop_ = s.integer("momentum_drop", drop_, base::Range::non_negative(),
                      "the update from which momentum is 0.9 at most, in the paper 1000 before the last; 0: never");
  }
  /// Of step t, from 1.
  [[nodiscard]] double at(std::int64_t t) const {
    if (!grows_) return momentum_;
    const double most = drop_ > 0 && t >= drop_ ? std::min(0.9, momentum_) : momentum_;
    const std::int64_t stage = t / stage_ + 1;
    return std::min(1 - 0.5 / static_cast<double>(stage), most);
  }

 private:
  double momentum_;
  bool grows_;
  std::int64_t stage_ = 250;
  std::int64_t drop_ = 0;
};

}  // namespace talweg::optim
