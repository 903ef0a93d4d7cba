// SPDX-License-Identifier: Apache-2.0
// The momentum of step t. It changes what the buffer means, so it is the rule's and no factor of the learning rate.
//   constant    momentum
//   sutskever   min(1 - 2^(-1 - log2(floor(t / 250) + 1)), momentum)  (Sutskever, Martens, Dahl & Hinton, ICML 2013, eq. 5)
#pragma once

#include <algorithm>
#include <cmath>

#include "talweg/base/config.hpp"

namespace talweg::optim {

class MomentumSchedule {
 public:
  MomentumSchedule(const base::Section& s, double fallback)
      : momentum_(
            s.number("momentum", fallback, base::Range::decay(), "decay of the accumulated gradient; the largest there is")),
        grows_(s.choice("momentum_schedule", "constant", {"constant", "sutskever"},
                        "how momentum changes: sutskever grows it as 1/2, 3/4, 5/6, ... every 250 steps") == "sutskever") {}
  /// Of step t, from 1.
  [[nodiscard]] double at(std::int64_t t) const {
    if (!grows_) return momentum_;
    const double stage = std::floor(static_cast<double>(t) / 250) + 1;
    return std::min(1 - std::exp2(-1 - std::log2(stage)), momentum_);
  }

 private:
  double momentum_;
  bool grows_;
};

}  // namespace talweg::optim
