// SPDX-License-Identifier: Apache-2.0
#include "data/transform.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/format.hpp"

namespace talweg::data {
namespace {

constexpr std::string_view kDivide = "divide:";

}  // namespace

bool known_transform(std::string_view text) {
  if (text == "none" || text == "minmax" || text == "standardize") return true;
  double divisor = 0;
  return text.starts_with(kDivide) && to_number(text.substr(kDivide.size()), divisor) && std::isfinite(divisor) && divisor != 0;
}

Statistics::Statistics(std::string_view text, std::size_t features) : text_(text), features_(features) {
  if (text_ == "minmax") {
    low_.assign(features, std::numeric_limits<double>::infinity());
    high_.assign(features, -std::numeric_limits<double>::infinity());
  }
  if (text_ == "standardize") {
    mean_.assign(features, 0);
    spread_.assign(features, 0);
  }
}

void Statistics::add(std::span<const double> row) {
  ++count_;
  for (std::size_t j = 0; j < low_.size(); ++j) {
    low_[j] = std::min(low_[j], row[j]);
    high_[j] = std::max(high_[j], row[j]);
  }
  for (std::size_t j = 0; j < mean_.size(); ++j) {
    const double difference = row[j] - mean_[j];
    mean_[j] += difference / static_cast<double>(count_);
    spread_[j] += difference * (row[j] - mean_[j]);
  }
}

Transform Statistics::finish() const {
  Transform t{.kind = text_.substr(0, text_.find(':')), .shift = {}, .scale = {}};
  // A constant feature becomes zero: its scale is 1 after the shift.
  const auto inverse = [](double width) { return width > 0 ? 1 / width : 1.0; };
  if (t.kind == "minmax") {
    t.shift = low_;
    for (std::size_t j = 0; j < features_; ++j) t.scale.push_back(inverse(high_[j] - low_[j]));
  } else if (t.kind == "standardize") {
    t.shift = mean_;
    for (std::size_t j = 0; j < features_; ++j) t.scale.push_back(inverse(std::sqrt(spread_[j] / static_cast<double>(count_))));
  } else if (t.kind == "divide") {
    double divisor = 1;
    to_number(std::string_view(text_).substr(kDivide.size()), divisor);
    t.scale.assign(features_, 1 / divisor);
  }
  return t;
}

}  // namespace talweg::data
