// SPDX-License-Identifier: Apache-2.0
// What a step reports at which a method ends without another point: x is where it stays.
#pragma once

#include <string>
#include <utility>

#include "talweg/method.hpp"

namespace talweg::optim {

inline StepReport ends_at(VectorSpace& space, Vector x, StepReport report, Outcome outcome, std::string message) {
  report.parameter_norm = space.norm(x);
  report.outcome = outcome;
  report.message = std::move(message);
  return report;
}

}  // namespace talweg::optim
