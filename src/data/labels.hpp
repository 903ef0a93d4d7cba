// SPDX-License-Identifier: Apache-2.0
// Labels as they are written -> class indices or numbers.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::data {

/// Collects the labels of the training file and puts them in order: by value when all are numbers ("+1" and "1" are one), else
/// by text.
class LabelSet {
 public:
  void add(std::string_view label);
  [[nodiscard]] std::vector<std::string> classes() const;
  /// The smallest label that is a number and no integer, when all are numbers: a feature, not a class.
  [[nodiscard]] std::optional<double> fraction() const;

 private:
  std::set<double> numbers_;
  std::set<std::string, std::less<>> texts_;  // all labels, as soon as one is no number
  bool numeric_ = true;
};

/// Looks labels up among given classes.
class Classes {
 public:
  explicit Classes(const std::vector<std::string>& names);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view label) const;

 private:
  std::map<double, std::size_t> numbers_;
  std::map<std::string, std::size_t, std::less<>> texts_;
};

}  // namespace talweg::data
