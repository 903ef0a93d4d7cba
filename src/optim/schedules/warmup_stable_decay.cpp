// SPDX-License-Identifier: Apache-2.0
// 1, and over the last share `decay` of the steps linearly down to final (Hu et al. 2024; the growth before is [schedule]
// warmup).
#include <algorithm>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class WarmupStableDecay final : public Schedule {
 public:
  explicit WarmupStableDecay(const base::Section& s)
      : decay_(s.number("decay", 0.2, {.low = 0, .high = 1, .open_low = true}, "share of the run that decays")),
        final_(s.number("final", 0.0, base::Range::unit(), "factor at the end")) {}
  double factor(const SchedulePoint& p) const override {
    const auto steps = static_cast<double>(std::max<std::int64_t>(p.steps, 1));
    const double left = std::max(0.0, 1 - static_cast<double>(p.step) / steps);
    return final_ + (1 - final_) * std::min(1.0, left / decay_);
  }

 private:
  double decay_;
  double final_;
};

}  // namespace

extern const ScheduleEntry schedule_warmup_stable_decay;
const ScheduleEntry schedule_warmup_stable_decay{
    "warmup_stable_decay", "1, then linearly to final over the last share `decay` of the run",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<WarmupStableDecay>(s); }};

}  // namespace talweg::optim
