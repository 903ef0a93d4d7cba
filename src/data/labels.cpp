// SPDX-License-Identifier: Apache-2.0
#include "data/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/format.hpp"

namespace talweg::data {

void LabelSet::add(std::string_view label) {
  double number = 0;
  if (numeric_ && to_number(label, number)) {
    numbers_.insert(number);
    return;
  }
  if (numeric_) {
    numeric_ = false;
    for (const double n : numbers_) texts_.insert(fmt::format("{}", n));
  }
  if (texts_.find(label) == texts_.end()) texts_.emplace(label);
}

std::vector<std::string> LabelSet::classes() const {
  if (!numeric_) return {texts_.begin(), texts_.end()};
  std::vector<std::string> names;
  for (const double n : numbers_) names.push_back(fmt::format("{}", n));
  return names;
}

std::optional<double> LabelSet::fraction() const {
  if (!numeric_) return std::nullopt;
  const auto odd = std::ranges::find_if(numbers_, [](double n) { return n != std::floor(n); });
  return odd == numbers_.end() ? std::nullopt : std::optional(*odd);
}

Classes::Classes(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    double number = 0;
    if (to_number(names[i], number)) numbers_[number] = i;
    texts_[names[i]] = i;
  }
}

std::optional<std::size_t> Classes::find(std::string_view label) const {
  double number = 0;
  if (to_number(label, number)) {
    if (const auto found = numbers_.find(number); found != numbers_.end()) return found->second;
  }
  if (const auto found = texts_.find(label); found != texts_.end()) return found->second;
  return std::nullopt;
}

}  // namespace talweg::data
