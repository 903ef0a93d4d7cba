// SPDX-License-Identifier: Apache-2.0
// Learning-rate schedules: factors of a method's lr as functions of progress. A schedule that depends on evaluations keeps
// memory, in declared slots of the run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "talweg/config.hpp"

namespace talweg::optim {

/// Position of a step, for schedules in steps or epochs.
struct SchedulePoint {
  std::int64_t step = 0;   // steps done before this one
  std::int64_t steps = 0;  // planned total
  std::int64_t steps_per_epoch = 1;
  double reduced = 1;  // ScheduleMemory::factor
};

/// The memory of a schedule that depends on evaluations.
struct ScheduleMemory {
  double factor = 1;
  double best = 0;            // of the metric; meaningless before the first evaluation
  std::int64_t seen = 0;      // evaluations
  std::int64_t waits = 0;     // since the best, or since the factor fell
  std::int64_t cooldown = 0;  // evaluations that are still not counted
};

class Schedule {
 public:
  virtual ~Schedule() = default;
  [[nodiscard]] virtual double factor(const SchedulePoint&) const = 0;
  /// True when the factor is 1 at every step.
  [[nodiscard]] virtual bool constant() const { return false; }
  /// True when observe() does something.
  [[nodiscard]] virtual bool observes() const { return false; }
  /// Called after an evaluation with the value of [stop] metric, negated where more is better.
  virtual void observe(double /*value*/, ScheduleMemory&) const {}
};

/// One kind: see schedules.cpp.
struct ScheduleEntry {
  std::string_view name;
  std::string_view formula;
  std::unique_ptr<Schedule> (*make)(const base::Section&);
  std::string_view example{};  // its required keys of [schedule], for listings
};
std::span<const ScheduleEntry> schedules();

/// [schedule]: kind (default constant), its parameters, and warmup (epochs; the factor grows linearly from 0: step k of w gets
/// (k + 1) / w times the kind's factor, which starts counting after the warm-up).
std::unique_ptr<Schedule> build_schedule(const base::Section& schedule);

}  // namespace talweg::optim
