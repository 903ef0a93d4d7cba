// SPDX-License-Identifier: Apache-2.0
#include "optim/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace talweg::optim {

namespace {

/// Linear growth over the first `epochs`, then the inner schedule, which counts from there.
class WarmedUp final : public Schedule {
 public:
  WarmedUp(double epochs, std::unique_ptr<Schedule> inner) : epochs_(epochs), inner_(std::move(inner)) {}
  bool constant() const override { return inner_->constant() && epochs_ == 0; }
  bool observes() const override { return inner_->observes(); }
  void observe(double value, ScheduleMemory& memory) const override { inner_->observe(value, memory); }
  double factor(const SchedulePoint& p) const override {
    const auto warmup = static_cast<std::int64_t>(std::llround(epochs_ * static_cast<double>(p.steps_per_epoch)));
    SchedulePoint inner = p;  // which counts from the end of the warm-up
    inner.steps = std::max<std::int64_t>(0, p.steps - warmup);
    inner.step = std::max<std::int64_t>(0, p.step - warmup);
    const double factor = inner_->factor(inner);
    return p.step < warmup ? factor * static_cast<double>(p.step + 1) / static_cast<double>(warmup) : factor;
  }

 private:
  double epochs_;
  std::unique_ptr<Schedule> inner_;
};

}  // namespace

std::unique_ptr<Schedule> build_schedule(const base::Section& schedule) {
  std::vector<std::string_view> names;
  for (const ScheduleEntry& entry : schedules()) names.push_back(entry.name);
  const std::string kind = schedule.choice("kind", "constant", names, "how the learning rate changes");
  std::unique_ptr<Schedule> inner = std::ranges::find(schedules(), kind, &ScheduleEntry::name)->make(schedule);
  const double warmup =
      schedule.number("warmup", 0.0, base::Range::non_negative(), "epochs over which the rate grows linearly from 0");
  return std::make_unique<WarmedUp>(warmup, std::move(inner));
}

}  // namespace talweg::optim
