// SPDX-License-Identifier: Apache-2.0
// Where two results part, bit for bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/checkpoint.hpp"
#include "io/trace_reader.hpp"

namespace talweg::control {

/// How many numbers of their type lie between `a` and `b`: 0 the same, 1 neighbours; +0 and -0 are one apart; NaN is as far
/// from a number as the bits say.
std::uint64_t ulps(float a, float b);
std::uint64_t ulps(double a, double b);

struct Difference {
  std::string where;  // "parameters/layers.0.weight, element 17 [0, 17]", "step 12, loss"
  std::string first;  // what stands there
  std::string second;
  std::string distance;  // "3 ULPs"; empty where it makes no sense
  [[nodiscard]] std::string text() const;
};

/// Step, then parameters, then state in order of its names, element by element; then the methods' own numbers. The trainer's
/// and the engine's bookkeeping (times, resumes, costs) is left out.
std::optional<Difference> first_difference(const io::Checkpoint& a, const io::Checkpoint& b);

/// Row by row of the steps that both have, loss first in each; then the evaluations. Times and resumes are left out, and the
/// event log.
std::optional<Difference> first_difference(const io::Trace& a, const io::Trace& b);
/// That one goes further than the other.
std::optional<Difference> length_difference(const io::Trace& a, const io::Trace& b);
/// Rows that only one has, in words.
std::vector<std::string> notes_of(const io::Trace& a, const io::Trace& b);

}  // namespace talweg::control
