// SPDX-License-Identifier: Apache-2.0
#include "math/elementary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace talweg::math {
namespace {

constexpr double kUnits = 3;

/// In units of the last place of a double near `exact`.
double error(double found, long double exact) {
  const auto near = static_cast<double>(exact);
  const double unit = std::nextafter(std::abs(near), std::numeric_limits<double>::infinity()) - std::abs(near);
  return static_cast<double>(std::abs((static_cast<long double>(found) - exact) / static_cast<long double>(unit)));
}

TEST(Elementary, ExponentialsAreRightToAFewUnitsInTheLastPlace) {
  static_assert(std::numeric_limits<long double>::digits >= 64, "what stands for the exact value");
  for (double a = 0; a < 708; a += 0.000917)
    ASSERT_LT(error(exp_of_minus(a), std::exp(-static_cast<long double>(a))), kUnits) << a;
  EXPECT_EQ(exp_of_minus(0), 1);
}

TEST(Elementary, ExponentialsFarOutStaySmallAndNanStaysNan) {
  for (const double a : {708.0, 709.0, 1e6, 1e300, std::numeric_limits<double>::infinity()}) {
    EXPECT_GT(exp_of_minus(a), 0) << a;
    EXPECT_LT(exp_of_minus(a), 4e-308) << a;
  }
  EXPECT_TRUE(std::isnan(exp_of_minus(std::numeric_limits<double>::quiet_NaN())));
}

TEST(Elementary, LogarithmsAreRightToAFewUnitsInTheLastPlace) {
  for (double e = 1; e > 1e-300; e *= 0.9993)
    ASSERT_LT(error(log_of_one_plus(e), std::log1p(static_cast<long double>(e))), kUnits) << e;
  EXPECT_EQ(log_of_one_plus(0), 0);
  EXPECT_TRUE(std::isnan(log_of_one_plus(std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace talweg::math
