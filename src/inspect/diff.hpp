// SPDX-License-Identifier: Apache-2.0
// The first place where two results differ, bit for bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/checkpoint.hpp"
#include "io/trace_reader.hpp"

namespace talweg::inspect {

/// Distance in units in the last place: 0 for the same bits, 1 for neighbours; +0 and -0 are one apart; NaN is as far from a
/// number as its bits are.
std::uint64_t ulps(float a, float b);
std::uint64_t ulps(double a, double b);

struct Difference {
  std::string where;  // "parameters/layers.0.weight, element 17 [0, 17]", "step 12, loss"
  std::string first;  // the value in each
  std::string second;
  std::string distance;  // "3 ULPs"; empty where it makes no sense
  [[nodiscard]] std::string text() const;
};

/// Compares step, parameters, state by name, element by element, and then the method's own numbers. The bookkeeping of trainer
/// and engine (times, resumes, costs) is left out.
std::optional<Difference> first_difference(const io::Checkpoint& a, const io::Checkpoint& b);

/// Compares rows of the steps that both have, loss first, and then the evaluations. Times, resumes and events are left out.
std::optional<Difference> first_difference(const io::Trace& a, const io::Trace& b);
/// Set when one trace ends at a later step than the other.
std::optional<Difference> length_difference(const io::Trace& a, const io::Trace& b);
/// Says how many rows only one of them has.
std::vector<std::string> notes_of(const io::Trace& a, const io::Trace& b);

/// One pair of files that was compared.
struct Comparison {
  std::string what;  // "trace", "checkpoint step 100"
  std::optional<Difference> difference;
  std::vector<std::string> notes{};  // what only one has
};

/// Two runs (traces, then the checkpoints of common steps up to the first that differs), two checkpoints or two traces.
struct Diff {
  bool runs = false;
  std::vector<Comparison> comparisons;
  [[nodiscard]] bool different() const;
};
/// Error(usage) when the paths are of different kinds.
Diff diff(const std::string& a, const std::string& b);
std::string diff_text(const Diff& diff);
std::string diff_json(const Diff& diff);

}  // namespace talweg::inspect
