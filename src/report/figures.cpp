// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "talweg/summary.hpp"

namespace talweg::train {

void Figures::set(std::string_view name, double value) {
  const auto found = std::ranges::find(values_, name, &std::pair<std::string, double>::first);
  if (found != values_.end()) {
    found->second = value;
  } else {
    values_.emplace_back(name, value);
  }
}

double Figures::get(std::string_view name) const {
  const auto found = std::ranges::find(values_, name, &std::pair<std::string, double>::first);
  return found != values_.end() ? found->second : std::numeric_limits<double>::quiet_NaN();
}

std::string_view gradient_figure(bool smooth) { return smooth ? "full_gradient_norm" : "prox_gradient_norm"; }

}  // namespace talweg::train
