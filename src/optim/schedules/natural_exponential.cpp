// SPDX-License-Identifier: Apache-2.0
// factor = exp(-rate e / every), e the epochs done (TensorFlow's natural_exp_decay); staircase: floor(e / every).
#include <cmath>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class NaturalExponential final : public Schedule {
 public:
  explicit NaturalExponential(const base::Section& s)
      : rate_(s.number("rate", 0.05, base::Range::positive(), "exponent over each period")),
        every_(s.number("every", 1.0, base::Range::positive(), "epochs in a period")),
        staircase_(s.flag("staircase", false, "decay at the end of each period only")) {}
  double factor(const SchedulePoint& p) const override {
    const double periods = static_cast<double>(p.step) / (every_ * static_cast<double>(p.steps_per_epoch));
    return std::exp(-rate_ * (staircase_ ? std::floor(periods) : periods));
  }

 private:
  double rate_;
  double every_;
  bool staircase_;
};

}  // namespace

extern const ScheduleEntry schedule_natural_exponential;
const ScheduleEntry schedule_natural_exponential{
    "natural_exponential", "exp(-rate epochs / every)",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<NaturalExponential>(s); }};

}  // namespace talweg::optim
