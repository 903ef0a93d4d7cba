// SPDX-License-Identifier: Apache-2.0
#include "optim/line_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "optim/ending.hpp"

namespace talweg::optim {
namespace {

/// Lengths to try next within (low, high): the secant's zero of the slope, and the middle.
std::vector<double> inside(const LinePoint& low, const LinePoint& high) {
  const double width = high.length - low.length;
  std::vector<double> lengths = {low.length + 0.5 * width};
  const double secant = high.slope > 0 ? low.length - low.slope * width / (high.slope - low.slope) : low.length + 0.1 * width;
  if (secant > low.length + 0.01 * width && secant < high.length - 0.01 * width) lengths.push_back(secant);
  std::ranges::sort(lengths);
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  return lengths;
}

/// Sufficient decrease (Armijo).
bool decreases(const LinePoint& start, const LinePoint& at, const WolfeOptions& options) {
  return at.value <= start.value + options.c1 * at.length * start.slope;
}

/// Whether the difference of the values may be rounding alone.
bool level(const LinePoint& start, const LinePoint& at, const WolfeOptions& options) {
  return std::abs(at.value - start.value) <= options.relative_tolerance * std::abs(start.value);
}

}  // namespace

WolfeOptions WolfeOptions::read(const base::Section& s, double c2) {
  return {.c1 = s.number("c1", 1e-4, {.low = 0, .high = 0.5, .open_low = true, .open_high = true}, "sufficient decrease"),
          .c2 = s.number("c2", c2, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "curvature"),
          .requests = static_cast<int>(
              s.integer("line_requests", 20, {.low = 1, .high = 1000}, "oracle requests per line search at most"))};
}

bool satisfies_wolfe(const LinePoint& start, const LinePoint& at, const WolfeOptions& options) {
  const bool strong = decreases(start, at, options) && std::abs(at.slope) <= -options.c2 * start.slope;
  const bool approximate =
      level(start, at, options) && at.slope <= (2 * options.c1 - 1) * start.slope && at.slope >= options.c2 * start.slope;
  return strong || approximate;
}

WolfeSearch wolfe_search(Oracle& oracle, Vector x, Vector direction, const LinePoint& start, double first_length,
                         const WolfeOptions& options) {
  WolfeSearch search{.accepted = {}, .shortest = first_length};
  LinePoint low = start;          // falling and low enough: go on
  std::optional<LinePoint> high;  // rising, too high, or not finite: a length that is accepted lies before
  std::vector<double> lengths = {first_length};
  for (int request = 0; request < options.requests; ++request) {
    search.shortest = std::min(search.shortest, lengths.front());
    for (const LinePoint& at : oracle.along(x, direction, lengths, oracle.all())) {
      if (satisfies_wolfe(start, at, options)) {
        search.accepted = at;
        return search;
      }
      if (at.length <= low.length || (high && at.length >= high->length)) continue;  // the bracket has moved past it
      if (at.slope < 0 && (decreases(start, at, options) || level(start, at, options))) {
        low = at;
      } else {
        high = at;
      }
    }
    if (high && !(high->length - low.length > 1e-16 * high->length)) return search;
    lengths = high ? inside(low, *high) : std::vector<double>{2 * low.length, 8 * low.length, 32 * low.length};
  }
  search.ran_out = true;
  return search;
}

StepReport no_wolfe_length(StepReport report, const LinePoint& start, const WolfeSearch& search) {
  const bool rounding = std::abs(search.shortest * start.slope) <= 1e-6 * std::abs(start.value);  // in float32
  std::string message = fmt::format("no step along the gradient satisfies the Wolfe conditions: {} at |grad F| = {:.3e}",
                                    rounding         ? "rounding allows no progress"
                                    : search.ran_out ? "the line search ran out, and method.line_requests allows no more,"
                                                     : "the search closed in on a length where F or its slope jumps,",
                                    report.gradient_norm);
  return ends(std::move(report), rounding ? Outcome::stuck : Outcome::failed, std::move(message));
}

}  // namespace talweg::optim
