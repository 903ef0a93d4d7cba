// SPDX-License-Identifier: Apache-2.0
// The kinds of [schedule]: each a struct of its parameters, read where they are declared, and its factor. s is the number of
// steps done of S, t = s + 1 the step's number, e the epochs done. A kind with observes() learns of evaluations.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "optim/schedule.hpp"
#include "talweg/error.hpp"

namespace talweg::optim {
namespace {

using base::Range;
using base::Section;

double epochs(const SchedulePoint& p) { return static_cast<double>(p.step) / static_cast<double>(p.steps_per_epoch); }

/// From `from` at share 0 to `to` at share 1.
double half_cosine(double from, double to, double share) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

struct Constant {
  Section s;
  bool constant() const { return true; }
  double factor(const SchedulePoint&) const { return 1; }
};

/// As TensorFlow's piecewise_constant.
struct Piecewise {
  Section s;
  std::vector<double> boundaries =
      s.numbers("boundaries", {}, Range::positive(), "epochs at which the factor changes, ascending");
  std::vector<double> factors = s.numbers("factors", {1.0}, Range::non_negative(), "one more than boundaries");

  void check() const {
    if (boundaries.empty()) s.fail("boundaries", "none", "at least one epoch: kind = \"constant\" has one factor throughout");
    if (factors.size() != boundaries.size() + 1)
      s.fail("factors", fmt::format("{} beside {} boundaries", factors.size(), boundaries.size()), "one more than boundaries");
    if (!std::ranges::is_sorted(boundaries))
      s.fail("boundaries", fmt::format("[{}]", fmt::join(boundaries, ", ")), "ascending epochs");
  }
  double factor(const SchedulePoint& p) const {
    return factors[static_cast<std::size_t>(std::ranges::lower_bound(boundaries, epochs(p)) - boundaries.begin())];
  }
};

/// What TensorFlow's three decays have in common: e / every, rounded down with `staircase`.
struct Periods {
  Section s;
  double every = s.number("every", 1.0, Range::positive(), "epochs in a period");
  bool staircase = s.flag("staircase", false, "decay at the end of each period only");

  double done(const SchedulePoint& p) const {
    const double periods = static_cast<double>(p.step) / (every * static_cast<double>(p.steps_per_epoch));
    return staircase ? std::floor(periods) : periods;
  }
};

struct Exponential {
  Section s;
  double rate = s.number("rate", 0.95, {.low = 0, .high = 1, .open_low = true}, "factor over each period");
  Periods periods{s};
  double factor(const SchedulePoint& p) const { return std::pow(rate, periods.done(p)); }
};

struct NaturalExponential {
  Section s;
  double rate = s.number("rate", 0.05, Range::positive(), "exponent over each period");
  Periods periods{s};
  double factor(const SchedulePoint& p) const { return std::exp(-rate * periods.done(p)); }
};

struct InverseTime {
  Section s;
  double rate = s.number("rate", 0.5, Range::positive(), "growth of the divisor over each period");
  Periods periods{s};
  double factor(const SchedulePoint& p) const { return 1 / (1 + rate * periods.done(p)); }
};

/// 1/2 for convex F, 1 for strongly convex F. For 1/2 < power <= 1 the factors sum to infinity and their squares do not
/// (Robbins & Monro 1951).
struct InversePower {
  Section s;
  double power = s.number("power", 0.5, {.low = 0, .high = 1, .open_low = true}, "of the step's number");
  double factor(const SchedulePoint& p) const { return std::pow(static_cast<double>(p.step + 1), -power); }
};

/// As TensorFlow's polynomial_decay. k: the steps of `over` epochs; with `cycle` times ceil(s / k).
struct Polynomial {
  Section s;
  double over = s.number("over", 0.0, Range::non_negative(), "epochs until final is reached; 0: the whole run");
  double power = s.number("power", 1.0, Range::positive(), "of the decay");
  double final = s.number("final", 0.0, Range::unit(), "factor at the end");
  bool cycle = s.flag("cycle", false, "begin again, over a longer time, whenever final is reached");
  double factor(const SchedulePoint& p) const {
    const double steps = over > 0 ? over * static_cast<double>(p.steps_per_epoch) : static_cast<double>(p.steps);
    const auto done = static_cast<double>(p.step);
    const double k = std::max(steps, 1.0) * (cycle ? std::max(1.0, std::ceil(done / std::max(steps, 1.0))) : 1);
    return (1 - final) * std::pow(1 - std::min(done, k) / k, power) + final;
  }
};

/// For lr = 1 / L (Ghadimi & Lan, SIAM J. Optim. 23 (2013), corollary 2.2 and its decreasing form). theta is D / sigma times L
/// in theory: L times the distance to go, over the deviation of the gradients.
struct Horizon {
  Section s;
  double theta = s.number("theta", 1.0, Range::positive(), "distance to go over the gradients' deviation, times L");
  bool decreasing = s.choice("form", "constant", {"constant", "decreasing"}, "over the run") == "decreasing";
  double factor(const SchedulePoint& p) const {
    const auto n = static_cast<double>(std::max<std::int64_t>(p.steps, 1));
    const auto t = static_cast<double>(p.step + 1);
    return std::min(1.0, decreasing ? theta / std::sqrt(std::sqrt(t * n)) : theta / std::sqrt(n));
  }
};

/// One cycle of Loshchilov & Hutter 2017.
struct Cosine {
  Section s;
  double final = s.number("final", 0.0, Range::unit(), "factor after the last step, towards which it falls");
  double factor(const SchedulePoint& p) const {
    // Where warm-up leaves no steps the first one is still the beginning: it is what warm-up grows to.
    const auto planned = static_cast<double>(std::max<std::int64_t>(p.steps, 1));
    const double done = std::min(1.0, static_cast<double>(p.step) / planned);
    return final + (1 - final) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
};

/// Loshchilov & Hutter 2017.
struct Sgdr {
  Section s;
  double first = s.number("first", 10.0, Range::positive(), "epochs in the first cycle");
  double growth = s.number("growth", 2.0, Range::at_least(1), "length of a cycle over that of the one before");
  double final = s.number("final", 0.0, Range::unit(), "factor at the end of a cycle");
  double factor(const SchedulePoint& p) const {
    double done = epochs(p);
    double cycle = first;
    while (done >= cycle) {
      done -= cycle;
      cycle *= growth;
    }
    return final + (1 - final) * 0.5 * (1 + std::cos(std::numbers::pi * done / cycle));
  }
};

/// Smith & Topin 2018, as torch's OneCycleLR.
struct OneCycle {
  Section s;
  double rise =
      s.number("rise", 0.3, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "share of the run that goes up");
  double divisor = s.number("divisor", 25.0, Range::at_least(1), "the top over the first factor");
  double final_divisor = s.number("final_divisor", 1e4, Range::at_least(1), "the first factor over the last");
  double factor(const SchedulePoint& p) const {
    const double last = static_cast<double>(std::max<std::int64_t>(p.steps, 2)) - 1;
    const double top = std::max(rise * (last + 1) - 1, 0.0);  // the step that is at 1
    const double done = std::min(static_cast<double>(p.step), last);
    if (done <= top && top > 0) return half_cosine(1 / divisor, 1, done / top);
    return half_cosine(1, 1 / (divisor * final_divisor), (done - top) / (last - top));
  }
};

/// Hu et al. 2024; the growth before is [schedule] warmup.
struct WarmupStableDecay {
  Section s;
  double decay = s.number("decay", 0.2, {.low = 0, .high = 1, .open_low = true}, "share of the run that decays");
  double final = s.number("final", 0.0, Range::unit(), "factor at the end");
  double factor(const SchedulePoint& p) const {
    const auto steps = static_cast<double>(std::max<std::int64_t>(p.steps, 1));
    const double left = std::max(0.0, 1 - static_cast<double>(p.step) / steps);
    return final + (1 - final) * std::min(1.0, left / decay);
  }
};

/// As Keras' ReduceLROnPlateau. After each evaluation, m its figure (of [stop] metric, less is better):
///   cooling down: count that down, w = 0
///   m < best - threshold: best = m, w = 0;  else, unless cooling down, w = w + 1
///   w >= patience: factor = max(factor * shrink, least), cool down for `cooldown` evaluations, w = 0
struct Plateau {
  Section s;
  double shrink = s.number("shrink", 0.1, {.low = 0, .high = 1, .open_high = true}, "the factor is multiplied by this");
  std::int64_t patience = s.integer("patience", 10, Range::at_least(1), "evaluations without a new best until it is");
  double threshold = s.number("threshold", 1e-4, Range::non_negative(), "a new best is better by more than this");
  std::int64_t cooldown = s.integer("cooldown", 0, Range::non_negative(), "evaluations after it that are not counted");
  double least = s.number("least", 0.0, Range::unit(), "the factor falls no lower");

  double factor(const SchedulePoint& p) const { return p.reduced; }
  void observe(double value, ScheduleMemory& memory) const {
    if (memory.cooldown > 0) {
      --memory.cooldown;
      memory.waits = 0;
    }
    if (memory.seen++ == 0 || value < memory.best - threshold) {
      memory.best = value;
      memory.waits = 0;
      return;
    }
    if (memory.cooldown > 0 || ++memory.waits < patience) return;
    memory.factor = std::max(memory.factor * shrink, std::min(least, memory.factor));
    memory.cooldown = cooldown;
    memory.waits = 0;
  }
};

template <class Kind>
class ScheduleOf final : public Schedule {
 public:
  explicit ScheduleOf(const Section& s) : kind_{s} {
    if constexpr (requires { kind_.check(); }) kind_.check();
  }
  double factor(const SchedulePoint& p) const override { return kind_.factor(p); }
  bool constant() const override {
    return requires { kind_.constant(); };
  }
  bool observes() const override { return kObserves; }
  void observe(double value, ScheduleMemory& memory) const override {
    if constexpr (kObserves) kind_.observe(value, memory);
  }

 private:
  static constexpr bool kObserves = requires(const Kind& kind, ScheduleMemory& memory) { kind.observe(0, memory); };
  Kind kind_;
};

template <class Kind>
std::unique_ptr<Schedule> make(const Section& s) {
  return std::make_unique<ScheduleOf<Kind>>(s);
}

constexpr std::array kSchedules = {
    ScheduleEntry{"constant", "1", make<Constant>},
    ScheduleEntry{"piecewise", "factors[i] up to epoch boundaries[i]", make<Piecewise>,
                  "boundaries = [10]\nfactors = [1, 0.1]\n"},
    ScheduleEntry{"exponential", "rate^(epochs / every)", make<Exponential>},
    ScheduleEntry{"natural_exponential", "exp(-rate epochs / every)", make<NaturalExponential>},
    ScheduleEntry{"inverse_time", "1 / (1 + rate epochs / every)", make<InverseTime>},
    ScheduleEntry{"inverse_power", "t^-power, t = s + 1", make<InversePower>},
    ScheduleEntry{"polynomial", "(1 - final) (1 - min(s, k) / k)^power + final", make<Polynomial>},
    ScheduleEntry{"horizon", "min(1, theta / sqrt N), or min(1, theta (t N)^(-1/4)), of N steps", make<Horizon>},
    ScheduleEntry{"cosine", "final + (1 - final) (1 + cos(pi s / S)) / 2", make<Cosine>},
    ScheduleEntry{"sgdr", "cosine with warm restarts: final + (1 - final) (1 + cos(pi share of the cycle)) / 2", make<Sgdr>},
    ScheduleEntry{"one_cycle", "half cosines: 1 / divisor to 1 to 1 / (divisor final_divisor)", make<OneCycle>},
    ScheduleEntry{"warmup_stable_decay", "1, then linearly to final over the last share `decay` of the run",
                  make<WarmupStableDecay>},
    ScheduleEntry{"plateau", "times shrink after each `patience` evaluations without a better [stop] metric", make<Plateau>},
};

}  // namespace

std::span<const ScheduleEntry> schedules() { return kSchedules; }

}  // namespace talweg::optim
