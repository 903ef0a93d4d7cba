// SPDX-License-Identifier: Apache-2.0
// A run's summary, for programs (summary.json) and for people.
#pragma once

#include <string>

#include "talweg/summary.hpp"

namespace talweg::report {

std::string summary_json(const train::Summary& summary);
/// Several lines.
std::string summary_text(const train::Summary& summary);

}  // namespace talweg::report
