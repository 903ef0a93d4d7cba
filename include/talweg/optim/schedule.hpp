// SPDX-License-Identifier: Apache-2.0
// Learning-rate schedules: pure functions of progress that multiply a method's lr.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "talweg/base/config.hpp"

namespace talweg::optim {

/// Position of a step, for schedules in steps or epochs.
struct SchedulePoint {
  std::int64_t step = 0;   // steps done before this one
  std::int64_t steps = 0;  // planned total
  std::int64_t steps_per_epoch = 1;
};

class Schedule {
 public:
  virtual ~Schedule() = default;
  [[nodiscard]] virtual double factor(const SchedulePoint&) const = 0;
};

/// One kind. src/optim/schedules.def has one line per kind.
struct ScheduleEntry {
  std::string_view name;
  std::string_view formula;
  std::unique_ptr<Schedule> (*make)(const base::Section&);
};
std::span<const ScheduleEntry* const> schedules();

/// [schedule]: kind (default constant), its parameters, and warmup (epochs; the factor grows linearly from 0: step k of w gets
/// (k + 1) / w times the kind's factor, which starts counting after the warm-up).
std::unique_ptr<Schedule> build_schedule(const base::Section& schedule);

}  // namespace talweg::optim
