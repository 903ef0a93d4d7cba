// SPDX-License-Identifier: Apache-2.0
// Statistics of the training part, and the transform computed from them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/load.hpp"

namespace talweg::data {

bool known_transform(std::string_view text);

/// Collects the statistics that a transform needs, record by record in the order of the file: the same bits on every rank.
class Statistics {
 public:
  /// `text` as in the config; nothing is collected for none and divide.
  Statistics(std::string_view text, std::size_t features);
  void add(std::span<const double> row);
  [[nodiscard]] Transform finish() const;

 private:
  std::string text_;
  std::size_t features_;
  std::uint64_t count_ = 0;
  std::vector<double> low_;  // minmax
  std::vector<double> high_;
  std::vector<double> mean_;  // standardize, by Welford's recurrence
  std::vector<double> spread_;
};

/// Element j of a row after the transform.
inline double transformed(const Transform& t, std::size_t j, double x) {
  return (x - (t.shift.empty() ? 0 : t.shift[j])) * (t.scale.empty() ? 1 : t.scale[j]);
}

}  // namespace talweg::data
