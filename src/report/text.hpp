// SPDX-License-Identifier: Apache-2.0
// Numbers for people.
#pragma once

#include <string>

namespace talweg::report {

/// 95 -> "1:35".
std::string duration(double seconds);
/// 53012 -> "53.0k".
std::string short_count(double value);

}  // namespace talweg::report
