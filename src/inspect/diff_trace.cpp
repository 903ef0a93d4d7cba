// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "inspect/diff.hpp"

namespace talweg::inspect {
namespace {

/// Columns that differ between runs of the same bits: they depend on time, ranks, kills, repeated work and evaluations.
constexpr std::array<std::string_view, 4> kIgnored = {"step", "seconds", "part", "evaluation_gradients"};

/// Columns that both have and that are not ignored, loss first. A column that only one trace has (a figure that only one config
/// asks for) is not a difference.
std::vector<std::string> compared(const io::Columns& a, const io::Columns& b) {
  std::vector<std::string> names;
  for (const auto& [name, column] : a) {
    if (b.contains(name) && std::ranges::find(kIgnored, name) == kIgnored.end()) names.push_back(name);
  }
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name == "loss"; });
  return names;
}

const std::vector<double>& column(const io::Columns& columns, const std::string& name) {
  static const std::vector<double> kNone;
  const auto found = columns.find(name);
  return found != columns.end() ? found->second : kNone;
}

/// Compares rows of the same step only: the traces may have different strides, and a run that was extended later has one more
/// evaluation. `figures`: NaN means not measured, which differs from nothing.
std::optional<Difference> rows_difference(const std::string& prefix, const io::Columns& a, const io::Columns& b, bool figures) {
  const std::vector<std::string> names = compared(a, b);
  const auto& steps_a = column(a, "step");
  const auto& steps_b = column(b, "step");
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < steps_a.size() && j < steps_b.size()) {
    if (steps_a[i] != steps_b[j]) {
      steps_a[i] < steps_b[j] ? ++i : ++j;
      continue;
    }
    for (const std::string& name : names) {
      const double x = column(a, name)[i];
      const double y = column(b, name)[j];
      const int missing = (std::isnan(x) ? 1 : 0) + (std::isnan(y) ? 1 : 0);
      if (missing == 2 || (missing == 1 && figures)) continue;
      if (missing == 1) {
        return Difference{fmt::format("step {:.0f}, {}{}", steps_a[i], prefix, name), fmt::format("{}", x),
                          fmt::format("{}", y), ""};
      }
      if (const std::uint64_t distance = ulps(x, y); distance != 0) {
        return Difference{fmt::format("step {:.0f}, {}{}", steps_a[i], prefix, name), fmt::format("{}", x),
                          fmt::format("{}", y), fmt::format("{} ULP{}", distance, distance == 1 ? "" : "s")};
      }
    }
    ++i;
    ++j;
  }
  return std::nullopt;
}

/// How many rows of `a` have a step that `b` does not have.
std::size_t rows_of_its_own(const io::Columns& a, const io::Columns& b) {
  const auto& others = column(b, "step");
  return static_cast<std::size_t>(
      std::ranges::count_if(column(a, "step"), [&](double step) { return !std::ranges::binary_search(others, step); }));
}

}  // namespace

std::optional<Difference> first_difference(const io::Trace& a, const io::Trace& b) {
  if (auto found = rows_difference("", a.steps, b.steps, false)) return found;
  return rows_difference("evaluation/", a.evaluation, b.evaluation, true);
}

std::optional<Difference> length_difference(const io::Trace& a, const io::Trace& b) {
  const auto last = [](const io::Trace& t) { return column(t.steps, "step").empty() ? 0 : column(t.steps, "step").back(); };
  if (last(a) == last(b)) return std::nullopt;
  return Difference{"last step", fmt::format("{:.0f}", last(a)), fmt::format("{:.0f}", last(b)), ""};
}

std::vector<std::string> notes_of(const io::Trace& a, const io::Trace& b) {
  std::vector<std::string> notes;
  const auto note = [&](const char* what, const io::Columns& x, const io::Columns& y) {
    const std::size_t first = rows_of_its_own(x, y), second = rows_of_its_own(y, x);
    if (first + second > 0) {
      notes.push_back(fmt::format("{} of steps that only one has: {} in the first, {} in the second", what, first, second));
    }
  };
  note("rows", a.steps, b.steps);
  note("evaluations", a.evaluation, b.evaluation);
  return notes;
}

}  // namespace talweg::inspect
