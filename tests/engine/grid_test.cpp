// SPDX-License-Identifier: Apache-2.0
#include "engine/grid.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace talweg::engine {
namespace {

/// As TileSum::highest() says it.
std::uint32_t word(double v) { return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(v) >> 32); }

TEST(Grids, AreOutgrownExactlyAtTwoToTheE) {
  Grids grids(2);
  EXPECT_TRUE(grids.outgrown(Asker::method, Kind::full_gradient, {{word(1e-30), 0u}}));  // nothing predicted yet
  EXPECT_FALSE(grids.outgrown(Asker::method, Kind::full_gradient, {{0u, 0u}}));
  grids.follow(Asker::method, Kind::full_gradient, {{word(1.0), word(1.0)}});  // 1 < 2^1, so E = 1 + 5
  EXPECT_EQ(grids.exponents(Asker::method, Kind::full_gradient)[0], 6);
  EXPECT_FALSE(grids.outgrown(Asker::method, Kind::full_gradient, {{word(63.99), 0u}}));
  EXPECT_TRUE(grids.outgrown(Asker::method, Kind::full_gradient, {{word(64.0), 0u}}));
  EXPECT_TRUE(grids.outgrown(Asker::observer, Kind::full_gradient, {{word(1.0), 0u}}));  // another asker has its own
  grids.follow(Asker::method, Kind::full_gradient, {{0u, word(4.0)}});                   // a zero keeps E
  EXPECT_EQ(grids.exponents(Asker::method, Kind::full_gradient)[0], 6);
  EXPECT_EQ(grids.exponents(Asker::method, Kind::full_gradient)[1], 8);
}

}  // namespace
}  // namespace talweg::engine
