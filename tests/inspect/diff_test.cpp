// SPDX-License-Identifier: Apache-2.0
// Where two checkpoints or traces first differ. Whole command lines are in tests/e2e.
#include "inspect/diff.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace talweg::inspect {
namespace {

TEST(Ulps, CountRepresentableNumbersBetween) {
  EXPECT_EQ(ulps(1.0F, 1.0F), 0U);
  EXPECT_EQ(ulps(1.0F, std::nextafter(1.0F, 2.0F)), 1U);
  EXPECT_EQ(ulps(-0.0, 0.0), 1U) << "other bits, another number";
  EXPECT_EQ(ulps(std::nextafter(0.0, -1.0), std::nextafter(0.0, 1.0)), 3U);
  EXPECT_EQ(ulps(1.0, 2.0), std::uint64_t{1} << 52);
}

io::Checkpoint checkpoint(std::vector<float> w) {
  io::Checkpoint c;
  c.step = 3;
  c.parameters = {{.name = "w", .shape = {2, 2}, .values = std::move(w)}};
  c.counters["trainer.step"] = 3;
  return c;
}

TEST(Diff, NamesTheFirstElementThatDiffers) {
  EXPECT_FALSE(first_difference(checkpoint({1, 2, 3, 4}), checkpoint({1, 2, 3, 4})));
  const auto found = first_difference(checkpoint({1, 2, 3, 4}), checkpoint({1, 2, std::nextafter(3.0F, 4.0F), 5}));
  ASSERT_TRUE(found);
  EXPECT_NE(found->where.find("w, element 2"), std::string::npos) << found->where;
  EXPECT_NE(found->distance.find("1 ULP"), std::string::npos) << found->distance;
}

TEST(Diff, FindsTheFirstRowOfATrace) {
  io::Trace a;
  a.steps = {{"step", {1, 2, 3}}, {"loss", {0.5, 0.4, 0.3}}};
  io::Trace b = a;
  EXPECT_FALSE(first_difference(a, b));
  b.steps["loss"][1] = 0.41;
  const auto found = first_difference(a, b);
  ASSERT_TRUE(found);
  EXPECT_NE(found->where.find("step 2"), std::string::npos) << found->where;
  EXPECT_NE(found->where.find("loss"), std::string::npos) << found->where;
}

}  // namespace
}  // namespace talweg::inspect
