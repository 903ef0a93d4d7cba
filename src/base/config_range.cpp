// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "talweg/config.hpp"

namespace talweg::base {

std::string Range::text() const {
  // An infinite bound is shown open, as it is written in mathematics, even where inf itself is allowed.
  return fmt::format("{}{}, {}{}", open_low || std::isinf(low) ? '(' : '[', low, high,
                     open_high || std::isinf(high) ? ')' : ']');
}

}  // namespace talweg::base
