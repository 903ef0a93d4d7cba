// SPDX-License-Identifier: Apache-2.0
// The one stored number of an example against the paper's two: how many times in a row its gradient was zero, and for how many
// visits it is still skipped.
#include "optim/skipping.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace talweg::test {
namespace {

TEST(Skipping, FollowsThePapersTwoNumbers) {
  std::int64_t zeros = 0, left = 0;
  for (std::int64_t visits = 0; visits < 100000; visits = optim::one_more(visits)) {
    ASSERT_EQ(optim::looked_at(visits), left == 0) << visits;
    if (left > 0) {
      --left;
    } else {
      left = std::int64_t{1} << std::max<std::int64_t>(0, ++zeros - 2);
    }
  }
}

TEST(Skipping, EndsWhereFloat32StillCounts) {
  EXPECT_EQ(optim::one_more(optim::kMostVisits), optim::kMostVisits);
  EXPECT_TRUE(optim::looked_at(optim::kMostVisits));
  EXPECT_LT(optim::kMostVisits, std::int64_t{1} << 24);
}

}  // namespace
}  // namespace talweg::test
