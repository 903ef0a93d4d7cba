// SPDX-License-Identifier: Apache-2.0
// factor = rate^(e / every), e the epochs done; with staircase, rate^floor(e / every) (TensorFlow's exponential_decay).
#include <cmath>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Exponential final : public Schedule {
 public:
  explicit Exponential(const base::Section& s)
      : rate_(s.number("rate", 0.95, {.low = 0, .high = 1, .open_low = true}, "factor over each period")),
        every_(s.number("every", 1.0, base::Range::positive(), "epochs in a period")),
        staircase_(s.flag("staircase", false, "decay at the end of each period only")) {}
  double factor(const SchedulePoint& p) const override {
    const double periods = static_cast<double>(p.step) / (every_ * static_cast<double>(p.steps_per_epoch));
    return std::pow(rate_, staircase_ ? std::floor(periods) : periods);
  }

 private:
  double rate_;
  double every_;
  bool staircase_;
};

}  // namespace

extern const ScheduleEntry schedule_exponential;
const ScheduleEntry schedule_exponential{
    "exponential", "rate^(epochs / every)",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Exponential>(s); }};

}  // namespace talweg::optim
