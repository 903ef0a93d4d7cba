// SPDX-License-Identifier: Apache-2.0
// factors[i] up to and with epoch boundaries[i], the last one after (TensorFlow's piecewise_constant).
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "optim/schedule.hpp"
#include "talweg/error.hpp"

namespace talweg::optim {
namespace {

class Piecewise final : public Schedule {
 public:
  explicit Piecewise(const base::Section& s)
      : boundaries_(s.numbers("boundaries", {}, base::Range::positive(), "epochs at which the factor changes, ascending")),
        factors_(s.numbers("factors", {1.0}, base::Range::non_negative(), "one more than boundaries")) {
    if (boundaries_.empty()) s.fail("boundaries", "none", "at least one epoch: kind = \"constant\" has one factor throughout");
    if (factors_.size() != boundaries_.size() + 1)
      s.fail("factors", fmt::format("{} beside {} boundaries", factors_.size(), boundaries_.size()),
             "one more than boundaries");
    if (!std::ranges::is_sorted(boundaries_))
      s.fail("boundaries", fmt::format("[{}]", fmt::join(boundaries_, ", ")), "ascending epochs");
  }
  double factor(const SchedulePoint& p) const override {
    const double epochs = static_cast<double>(p.step) / static_cast<double>(p.steps_per_epoch);
    return factors_[static_cast<std::size_t>(std::ranges::lower_bound(boundaries_, epochs) - boundaries_.begin())];
  }

 private:
  std::vector<double> boundaries_;
  std::vector<double> factors_;
};

}  // namespace

extern const ScheduleEntry schedule_piecewise;
const ScheduleEntry schedule_piecewise{
    "piecewise", "factors[i] up to epoch boundaries[i]",
    [](const base::Section& s) -> std::unique_ptr<Schedule> { return std::make_unique<Piecewise>(s); },
    "boundaries = [10]\nfactors = [1, 0.1]\n"};

}  // namespace talweg::optim
