// SPDX-License-Identifier: Apache-2.0
// factor = (1 - final) (1 - min(s, k) / k)^power + final, s steps done, k those of `over` epochs (TensorFlow's
// polynomial_decay); cycle: k ceil(s / k) in the place of k.
#include <algorithm>
#include <cmath>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Polynomial final : public Schedule {
 public:
  explicit Polynomial(const base::Section& s)
      : over_(s.number("over", 0.0, base::Range::non_negative(), "epochs until final is reached; 0: the whole run")),
        power_(s.number("power", 1.0, base::Range::positive(), "of the decay")),
        final_(s.number("final", 0.0, base::Range::unit(), "factor at the end")),
        cycle_(s.flag("cycle", false, "begin again, over a longer time, whenever final is reached")) {}
  double factor(const SchedulePoint& p) const override {
    const double over = over_ > 0 ? over_ * static_cast<double>(p.steps_per_epoch) : static_cast<double>(p.steps);
    const auto done = static_cast<double>(p.step);
    const double k = std::max(over, 1.0) * (cycle_ ? std::max(1.0, std::ceil(done / std::max(over, 1.0))) : 1);
    return (1 - final_) * std::pow(1 - std::min(done, k) / k, power_) + final_;
  }

 private:
  double over_;
  double power_;
  double final_;
  bool cycle_;
};

}  // namespace

extern const ScheduleEntry schedule_polynomial;
const ScheduleEntry schedule_polynomial{
    "polynomial", "(1 - final) (1 - min(s, k) / k)^power + final",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Polynomial>(s); }};

}  // namespace talweg::optim
