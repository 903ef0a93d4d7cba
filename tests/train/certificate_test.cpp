// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "train/stored_model.hpp"

namespace talweg::train {
namespace {

Certificate figures(double gradient, double eigenvalue, double doubt) {
  Certificate c;
  c.gradient_tolerance = 1e-3;
  c.curvature_tolerance = 0.03;
  c.gradient_norm = gradient;
  c.smallest_eigenvalue = eigenvalue;
  c.doubt = doubt;
  c.convex_doubt = doubt;
  return c;
}

TEST(Certificate, ALargeGradientIsNotCritical) { EXPECT_EQ(judge(figures(2e-3, 1, 0)), Verdict::not_critical); }
TEST(Certificate, AGradientThatIsNotANumberIsNotCritical) {
  EXPECT_EQ(judge(figures(std::numeric_limits<double>::quiet_NaN(), 1, 0)), Verdict::not_critical);
}
TEST(Certificate, CurvatureFoundBelowMinusDeltaIsASaddleWhateverTheDoubt) {
  EXPECT_EQ(judge(figures(1e-4, -0.04, 1)), Verdict::saddle);
}
TEST(Certificate, CurvatureThatWasHardlyMissedIsALocalMinimum) {
  EXPECT_EQ(judge(figures(1e-4, 0.5, 0)), Verdict::local_minimum);
  EXPECT_EQ(judge(figures(1e-4, -0.01, 0.009)), Verdict::local_minimum);
}
TEST(Certificate, CurvatureThatMayHaveBeenMissedLeavesItUndecided) {
  EXPECT_EQ(judge(figures(1e-4, 0.01, 0.011)), Verdict::undecided);
  EXPECT_EQ(judge(figures(1e-4, 10, 1)), Verdict::undecided);
}

}  // namespace
}  // namespace talweg::train
