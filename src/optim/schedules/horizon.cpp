// SPDX-License-Identifier: Apache-2.0
// For lr = 1 / L and a run of N steps (Ghadimi & Lan, SIAM J. Optim. 23 (2013), corollary 2.2 and its decreasing form):
//   constant     factor = min(1, theta / sqrt N)
//   decreasing   factor = min(1, theta (t N)^(-1/4)), t the number of this step from 1
// theta is D / sigma times L in theory: L times the distance to go, over the deviation of the gradients.
#include <algorithm>
#include <cmath>

#include "optim/schedule.hpp"

namespace talweg::optim {
namespace {

class Horizon final : public Schedule {
 public:
  explicit Horizon(const base::Section& s)
      : theta_(s.number("theta", 1.0, base::Range::positive(), "distance to go over the gradients' deviation, times L")),
        decreasing_(s.choice("form", "constant", {"constant", "decreasing"}, "over the run") == "decreasing") {}
  double factor(const SchedulePoint& p) const override {
    const auto n = static_cast<double>(std::max<std::int64_t>(p.steps, 1));
    const auto t = static_cast<double>(p.step + 1);
    return std::min(1.0, decreasing_ ? theta_ / std::sqrt(std::sqrt(t * n)) : theta_ / std::sqrt(n));
  }

 private:
  double theta_;
  bool decreasing_;
};

}  // namespace

extern const ScheduleEntry schedule_horizon;
const ScheduleEntry schedule_horizon{
    "horizon", "min(1, theta / sqrt N), or min(1, theta (t N)^(-1/4)), of N steps",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Horizon>(s); }};

}  // namespace talweg::optim
