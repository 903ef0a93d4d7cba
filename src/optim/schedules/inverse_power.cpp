// SPDX-License-Identifier: Apache-2.0
// factor = t^-power, t the number of this step from 1: 1/2 for convex F, 1 for strongly convex F (Robbins & Monro 1951: the
// factors sum to infinity and their squares do not for 1/2 < power <= 1).
#include <cmath>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class InversePower final : public Schedule {
 public:
  explicit InversePower(const base::Section& s)
      : power_(s.number("power", 0.5, {.low = 0, .high = 1, .open_low = true}, "of the step's number")) {}
  double factor(const SchedulePoint& p) const override { return std::pow(static_cast<double>(p.step + 1), -power_); }

 private:
  double power_;
};

}  // namespace

extern const ScheduleEntry schedule_inverse_power;
const ScheduleEntry schedule_inverse_power{
    "inverse_power", "t^-power, t = s + 1",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<InversePower>(s); }};

}  // namespace talweg::optim
