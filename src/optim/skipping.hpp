// SPDX-License-Identifier: Apache-2.0
// When an example without a gradient is looked at again (Babanezhad et al. 2015, their heuristic for support vectors): after k
// times in a row that it was looked at in vain, 2^max(0, k - 2) visits leave it out. One number says where it stands: its
// visits in a row without a gradient, whether looked at or not. Looked at is it at visit v = 0 and at v = k + 2^(k-1), k = 1,
// 2, ...
#pragma once

#include <cstdint>

namespace talweg::optim {

/// In float32 too every number up to here is exact. An example that has come so far is looked at every time.
inline constexpr std::int64_t kMostVisits = 23 + (std::int64_t{1} << 22);

/// Whether to look at an example at a visit after `visits` in a row without a gradient.
constexpr bool looked_at(std::int64_t visits) {
  if (visits == 0) return true;
  std::int64_t k = 1;
  while (k + (std::int64_t{1} << (k - 1)) < visits) ++k;
  return k + (std::int64_t{1} << (k - 1)) == visits;
}

/// The same after one more without a gradient.
constexpr std::int64_t one_more(std::int64_t visits) { return visits < kMostVisits ? visits + 1 : visits; }

}  // namespace talweg::optim
