// SPDX-License-Identifier: Apache-2.0
// From 1 / divisor up to 1 over the share `rise` of the run, then down to 1 / (divisor final_divisor), both by half a cosine
// (Smith & Topin 2018, as torch's OneCycleLR).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class OneCycle final : public Schedule {
 public:
  explicit OneCycle(const base::Section& s)
      : rise_(
            s.number("rise", 0.3, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "share of the run that goes up")),
        divisor_(s.number("divisor", 25.0, base::Range::at_least(1), "the top over the first factor")),
        final_divisor_(s.number("final_divisor", 1e4, base::Range::at_least(1), "the first factor over the last")) {}
  double factor(const SchedulePoint& p) const override {
    const auto between = [](double from, double to, double share) {
      return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * share));
    };
    const double last = static_cast<double>(std::max<std::int64_t>(p.steps, 2)) - 1;
    const double top = std::max(rise_ * (last + 1) - 1, 0.0);  // the step that is at 1
    const double done = std::min(static_cast<double>(p.step), last);
    if (done <= top && top > 0) return between(1 / divisor_, 1, done / top);
    return between(1, 1 / (divisor_ * final_divisor_), (done - top) / (last - top));
  }

 private:
  double rise_;
  double divisor_;
  double final_divisor_;
};

}  // namespace

extern const ScheduleEntry schedule_one_cycle;
const ScheduleEntry schedule_one_cycle{
    "one_cycle", "half cosines: 1 / divisor to 1 to 1 / (divisor final_divisor)",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<OneCycle>(s); }};

}  // namespace talweg::optim
