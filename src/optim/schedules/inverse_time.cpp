// SPDX-License-Identifier: Apache-2.0
// factor = 1 / (1 + rate e / every), e the epochs done (TensorFlow's inverse_time_decay); staircase: floor(e / every).
#include <cmath>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class InverseTime final : public Schedule {
 public:
  explicit InverseTime(const base::Section& s)
      : rate_(s.number("rate", 0.5, base::Range::positive(), "growth of the divisor over each period")),
        every_(s.number("every", 1.0, base::Range::positive(), "epochs in a period")),
        staircase_(s.flag("staircase", false, "decay at the end of each period only")) {}
  double factor(const SchedulePoint& p) const override {
    const double periods = static_cast<double>(p.step) / (every_ * static_cast<double>(p.steps_per_epoch));
    return 1 / (1 + rate_ * (staircase_ ? std::floor(periods) : periods));
  }

 private:
  double rate_;
  double every_;
  bool staircase_;
};

}  // namespace

extern const ScheduleEntry schedule_inverse_time;
const ScheduleEntry schedule_inverse_time{
    "inverse_time", "1 / (1 + rate epochs / every)",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<InverseTime>(s); }};

}  // namespace talweg::optim
