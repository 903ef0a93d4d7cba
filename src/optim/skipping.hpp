// SPDX-License-Identifier: Apache-2.0
// When to examine an example again that had no gradient (Babanezhad et al. 2015, their heuristic for support vectors): after k
// examinations in a row without a gradient the next 2^max(0, k - 2) visits leave it out. One number holds this state: the visits
// in a row without a gradient, left out or not. The example is examined at visit 0 and at visits k + 2^(k-1), k = 1, 2, ...
#pragma once

#include <cstdint>

namespace talweg::optim {

/// Every whole number up to here is exact in float32 too. From here on an example is examined at every visit.
inline constexpr std::int64_t kMostVisits = 23 + (std::int64_t{1} << 22);

/// Whether to examine an example after `visits` in a row without a gradient.
constexpr bool looked_at(std::int64_t visits) {
  if (visits == 0) return true;
  std::int64_t k = 1;
  while (k + (std::int64_t{1} << (k - 1)) < visits) ++k;
  return k + (std::int64_t{1} << (k - 1)) == visits;
}

/// The count after one more visit without a gradient.
constexpr std::int64_t one_more(std::int64_t visits) { return visits < kMostVisits ? visits + 1 : visits; }

}  // namespace talweg::optim
