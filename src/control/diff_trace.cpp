// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "control/diff.hpp"

namespace talweg::control {
namespace {

/// Of two runs of the same bits these differ: when, on how many ranks, after how many kills. Work done over (grids) and
/// evaluations too, so evaluation_gradients stay out.
constexpr std::array<std::string_view, 4> kFree = {"step", "seconds", "part", "evaluation_gradients"};

/// Names both have, loss first, and none of kFree. A column of one trace only (a figure that was asked for there) is no
/// difference of the runs.
std::vector<std::string> compared(const io::Columns& a, const io::Columns& b) {
  std::vector<std::string> names;
  for (const auto& [name, column] : a) {
    if (b.contains(name) && std::ranges::find(kFree, name) == kFree.end()) names.push_back(name);
  }
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name == "loss"; });
  return names;
}

const std::vector<double>& column(const io::Columns& columns, const std::string& name) {
  static const std::vector<double> kNone;
  const auto found = columns.find(name);
  return found != columns.end() ? found->second : kNone;
}

/// Rows of the same step, in order. A step that only one side has is a difference only beyond the other's range of rows: a
/// trace may be kept every so many steps.
std::optional<Difference> rows_difference(const std::string& prefix, const io::Columns& a, const io::Columns& b) {
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
      if (std::isnan(x) && std::isnan(y)) continue;
      if (const std::uint64_t distance = ulps(x, y); distance != 0) {
        return Difference{fmt::format("step {:.0f}, {}{}", steps_a[i], prefix, name), fmt::format("{}", x),
                          fmt::format("{}", y), fmt::format("{} ULP{}", distance, distance == 1 ? "" : "s")};
      }
    }
    ++i;
    ++j;
  }
  const double last_a = steps_a.empty() ? 0 : steps_a.back();
  const double last_b = steps_b.empty() ? 0 : steps_b.back();
  if (last_a != last_b)
    return Difference{prefix + "last step", fmt::format("{:.0f}", last_a), fmt::format("{:.0f}", last_b), ""};
  return std::nullopt;
}

}  // namespace

std::optional<Difference> first_difference(const io::Trace& a, const io::Trace& b) {
  if (auto found = rows_difference("", a.steps, b.steps)) return found;
  return rows_difference("evaluation/", a.evaluation, b.evaluation);
}

}  // namespace talweg::control
