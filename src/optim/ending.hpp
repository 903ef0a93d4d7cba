// SPDX-License-Identifier: Apache-2.0
// The report of a step at which a method ends.
#pragma once

#include <string>
#include <utility>

#include "talweg/method.hpp"

namespace talweg::optim {

inline StepReport ends(StepReport report, Outcome outcome, std::string message) {
  report.outcome = outcome;
  report.message = std::move(message);
  return report;
}

}  // namespace talweg::optim
