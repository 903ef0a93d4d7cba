// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "talweg/method.hpp"

namespace talweg::optim {

/// Needs of a method that `searches` for each step length: the search would undo any schedule.
inline Needs finds_its_lengths(bool searches = true) {
  return Needs::when(searches, Need::constant_rate, "a search finds every length here");
}

/// Needs of a method whose step lengths are prescribed by a theorem, where `theory` is asked for.
inline Needs keeps_its_lengths(bool theory = true) {
  return Needs::when(theory, Need::constant_rate, "its theorem speaks of these lengths alone");
}

}  // namespace talweg::optim
