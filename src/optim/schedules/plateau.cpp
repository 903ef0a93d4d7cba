// SPDX-License-Identifier: Apache-2.0
// Reduce on plateau, as Keras' ReduceLROnPlateau has it. After each evaluation, m its figure (of [stop] metric, less is
// better):
//   cooling down: count that down, w = 0
//   m < best - threshold: best = m, w = 0;  else, unless cooling down, w = w + 1
//   w >= patience: factor = max(factor * shrink, least), cool down for `cooldown` evaluations, w = 0
#include <algorithm>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Plateau final : public Schedule {
 public:
  explicit Plateau(const base::Section& s)
      : shrink_(s.number("shrink", 0.1, {.low = 0, .high = 1, .open_high = true}, "the factor is multiplied by this")),
        patience_(s.integer("patience", 10, base::Range::at_least(1), "evaluations without a new best until it is")),
        threshold_(s.number("threshold", 1e-4, base::Range::non_negative(), "a new best is better by more than this")),
        cooldown_(s.integer("cooldown", 0, base::Range::non_negative(), "evaluations after it that are not counted")),
        least_(s.number("least", 0.0, base::Range::unit(), "the factor falls no lower")) {}

  double factor(const SchedulePoint& p) const override { return p.reduced; }
  bool observes() const override { return true; }
  void observe(double value, ScheduleMemory& memory) const override {
    if (memory.cooldown > 0) {
      --memory.cooldown;
      memory.waits = 0;
    }
    if (memory.seen++ == 0 || value < memory.best - threshold_) {
      memory.best = value;
      memory.waits = 0;
      return;
    }
    if (memory.cooldown > 0 || ++memory.waits < patience_) return;
    memory.factor = std::max(memory.factor * shrink_, std::min(least_, memory.factor));
    memory.cooldown = cooldown_;
    memory.waits = 0;
  }

 private:
  double shrink_;
  std::int64_t patience_;
  double threshold_;
  std::int64_t cooldown_;
  double least_;
};

}  // namespace

extern const ScheduleEntry schedule_plateau;
const ScheduleEntry schedule_plateau{
    "plateau", "times shrink after each `patience` evaluations without a better [stop] metric",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Plateau>(s); }};

}  // namespace talweg::optim
