// SPDX-License-Identifier: Apache-2.0
// factor = 1.
#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Constant final : public Schedule {
 public:
  double factor(const SchedulePoint&) const override { return 1; }
  bool constant() const override { return true; }
};

}  // namespace

extern const ScheduleEntry schedule_constant;
const ScheduleEntry schedule_constant{
    "constant", "1", [](const base::Section&) -> std::unique_ptr<Schedule> { return std::make_unique<Constant>(); }};

}  // namespace talweg::optim
