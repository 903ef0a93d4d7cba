// SPDX-License-Identifier: Apache-2.0
// factor = final + (1 - final) (1 + cos(pi s / S)) / 2, s of S steps done (Loshchilov & Hutter 2017, one cycle).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Cosine final : public Schedule {
 public:
  explicit Cosine(const base::Section& s)
      : final_(s.number("final", 0.0, base::Range::unit(), "factor after the last step, towards which it falls")) {}
  double factor(const SchedulePoint& p) const override {
    // Where warm-up leaves no steps the first one is still the beginning: it is what warm-up grows to.
    const auto planned = static_cast<double>(std::max<std::int64_t>(p.steps, 1));
    const double done = std::min(1.0, static_cast<double>(p.step) / planned);
    return final_ + (1 - final_) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }

 private:
  double final_;
};

}  // namespace

extern const ScheduleEntry schedule_cosine;
const ScheduleEntry schedule_cosine{
    "cosine", "final + (1 - final) (1 + cos(pi s / S)) / 2",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Cosine>(s); }};

}  // namespace talweg::optim
