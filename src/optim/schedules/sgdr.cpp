// SPDX-License-Identifier: Apache-2.0
// factor = final + (1 - final) (1 + cos(pi u)) / 2, u the share of the cycle that is done; the first cycle takes `first`
// epochs, each next one `growth` times as long (Loshchilov & Hutter 2017).
#include <cmath>
#include <numbers>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Sgdr final : public Schedule {
 public:
  explicit Sgdr(const base::Section& s)
      : first_(s.number("first", 10.0, base::Range::positive(), "epochs in the first cycle")),
        growth_(s.number("growth", 2.0, base::Range::at_least(1), "length of a cycle over that of the one before")),
        final_(s.number("final", 0.0, base::Range::unit(), "factor at the end of a cycle")) {}
  double factor(const SchedulePoint& p) const override {
    double epochs = static_cast<double>(p.step) / static_cast<double>(p.steps_per_epoch);
    double cycle = first_;
    while (epochs >= cycle) {
      epochs -= cycle;
      cycle *= growth_;
    }
    return final_ + (1 - final_) * 0.5 * (1 + std::cos(std::numbers::pi * epochs / cycle));
  }

 private:
  double first_;
  double growth_;
  double final_;
};

}  // namespace

extern const ScheduleEntry schedule_sgdr;
const ScheduleEntry schedule_sgdr{
    "sgdr", "cosine with warm restarts: final + (1 - final) (1 + cos(pi share of the cycle)) / 2",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Sgdr>(s); }};

}  // namespace talweg::optim
