// SPDX-License-Identifier: Apache-2.0
#include "optim/composite.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "optim/ending.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr double kLevel = 1e-6;  // of |f|: differences up to here may be rounding, in float32

}  // namespace

double objective_at(Oracle& oracle, Vector x, double loss) { return loss + oracle.smooth_omega(x) + oracle.nonsmooth_omega(x); }

ProximalStep proximal_step(Oracle& oracle, Vector at, Vector g, double t, Vector next) {
  VectorSpace& space = oracle.space();
  space.combine(1, at, -t, g, next);
  oracle.prox(next, t);
  const auto kernel = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
    const auto change = [&](std::size_t i) { return static_cast<double>(v[0][i]) - static_cast<double>(v[1][i]); };
    return math::Sums{math::lane_sum(v.count, [&](std::size_t i) { return change(i) * change(i); }),
                      math::lane_sum(v.count, [&](std::size_t i) { return change(i) * static_cast<double>(v[2][i]); }),
                      math::squared_norm<Real>(v[0])};
  });
  const math::Sums sums = space.for_each_block({}, std::array{next, at, g}, kernel);
  return {.length = t, .squared = sums[0], .slope = sums[1], .point = sums[2]};
}

void ProximalStep::tell(StepReport& report) const {
  report.gradient_norm = gradient_norm();
  report.update_norm = std::sqrt(squared);
  report.parameter_norm = std::sqrt(point);
  report.learning_rate = length;
  if (at_rest()) report = ends(std::move(report), Outcome::converged, "the prox-gradient is zero");
}

LinePoint smooth_at(Oracle& oracle, Vector at, Vector next) {
  const Temporary direction(oracle.space());
  oracle.space().combine(1, next, -1, at, direction);
  const LinePoint line = oracle.along(next, direction, std::array{0.0}, oracle.all()).front();
  return {.length = 1, .value = line.value, .slope = line.slope};
}

Backtracking Backtracking::read(const base::Section& s) {
  return {
      .shrink = s.number("shrink", 0.5, {.low = 0, .high = 1, .open_low = true, .open_high = true},
                         "a length that is refused is tried again times this"),
      .tries = static_cast<int>(s.integer("line_requests", 100, {.low = 1, .high = 1000}, "lengths tried in a step at most"))};
}

void Tried::refuse(double length, double predicted, double at) {
  if (count_++ == 0) first_ = length;
  last_ = length;
  predicted_ = predicted;
  at_ = at;
  constexpr double kVisible = 1e-5;  // of F, in float32, too
  if (std::isfinite(at) && predicted > kVisible * std::abs(value_)) rises_ = at - value_ > 0.5 * predicted;
}

std::string Tried::lengths() const { return fmt::format("{} lengths from {:.3g} to {:.3g}", count_, first_, last_); }

std::optional<ProximalStep> shorten(Oracle& oracle, Vector at, Vector g, double first, const Backtracking& options, Vector next,
                                    Tried& tried, const std::function<Judgement(const ProximalStep&)>& judge) {
  double length = first;
  for (int k = 0; k < options.tries && !tried.hopeless(); ++k, length *= options.shrink) {
    const ProximalStep step = proximal_step(oracle, at, g, length, next);
    if (step.squared == 0 && k == 0) return step;
    if (!std::isfinite(step.squared)) {
      tried.refuse(length, std::numeric_limits<double>::infinity(), step.squared);
      continue;
    }
    const Judgement judged = judge(step);
    if (judged.accepted && step.squared > 0) return step;
    tried.refuse(length, step.squared / (2 * length), judged.at);
  }
  return std::nullopt;
}

std::optional<ProximalStep> backtrack(Oracle& oracle, Vector at, double value, Vector g, double first,
                                      const Backtracking& options, Vector next, Tried& tried) {
  return shorten(oracle, at, g, first, options, next, tried, [&](const ProximalStep& step) -> Judgement {
    const LinePoint end = smooth_at(oracle, at, next);
    const bool level = std::abs(end.value - value) <= kLevel * std::abs(value);
    const bool below = end.value <= value + step.slope + step.squared / (2 * step.length);
    const bool by_slope = level && end.slope - step.slope <= step.squared / step.length;
    return {below || by_slope, end.value - step.slope};  // without the slope's share, which Omega may make up for
  });
}

StepReport no_length_found(StepReport report, const Tried& tried) {
  std::string message = tried.rises() ? fmt::format(
                                            "no step length lets F fall, not the shortest that would show: the point lies on a "
                                            "kink, or the gradient (|grad F| = {:.3e}) is not F's",
                                            report.gradient_norm)
                        : tried.rounding()
                            ? fmt::format("no step length lets F fall enough: rounding allows no progress at |grad F| = {:.3e}",
                                          report.gradient_norm)
                            : fmt::format(
                                  "the line search ran out: none of {} lets F fall enough at |grad F| = {:.3e}; "
                                  "method.line_requests allows no more",
                                  tried.lengths(), report.gradient_norm);
  return ends(std::move(report), tried.rounding() ? Outcome::stuck : Outcome::failed, std::move(message));
}

}  // namespace talweg::optim
