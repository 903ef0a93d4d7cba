// SPDX-License-Identifier: Apache-2.0
#include "math/exact_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.hpp"

namespace talweg::math {
namespace {

double exact(const std::vector<double>& terms) {
  ExactSum sum;
  for (const double t : terms) sum.add(t);
  return sum.value();
}

TEST(ExactSum, HoldsSingleValuesExactly) {
  for (const double v :
       {0.0, 1.0, -1.0, 0.1, -3.7e300, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 0x1.fffffffffffffp-1}) {
    EXPECT_EQ(exact({v}), v);
  }
}

TEST(ExactSum, LosesNothingToCancellation) {
  EXPECT_EQ(exact({1e300, 1.0, -1e300}), 1.0);
  EXPECT_EQ(exact({1e16, 1.0, -1e16, 1e-300, -1.0}), 1e-300);
  EXPECT_EQ(exact({-1e300, -5e-324, 1e300}), -5e-324);
}

TEST(ExactSum, RoundsOnceToNearestEven) {
  const double ulp = std::ldexp(1.0, -52);
  EXPECT_EQ(exact({1.0, ulp / 2}), 1.0);  // a tie goes to even
  EXPECT_EQ(exact({1.0, ulp, ulp / 2}), 1.0 + 2 * ulp);
  EXPECT_EQ(exact({1.0, ulp / 2, 1e-300}), 1.0 + ulp);  // a much smaller number breaks the tie
  EXPECT_EQ(exact({-1.0, -ulp / 2, -1e-300}), -1.0 - ulp);
}

TEST(ExactSum, DoesNotDependOnOrderOrGrouping) {
  const base::Random random(3, base::Purpose::test);
  std::vector<double> terms;
  for (std::uint64_t i = 0; i < 5000; ++i) terms.push_back(random.normal(i) * std::pow(10.0, 40 * random.uniform(i, 1) - 20));
  const double forward = exact(terms);
  std::ranges::reverse(terms);
  EXPECT_EQ(exact(terms), forward);
  ExactSum a;
  ExactSum b;
  for (std::size_t i = 0; i < terms.size(); ++i) (i % 7 < 3 ? a : b).add(terms[i]);
  for (std::size_t i = 0; i < ExactSum::kDigits; ++i) a.digits()[i] += b.digits()[i];  // as ranks do
  EXPECT_EQ(a.value(), forward);
  long double reference = 0;
  std::ranges::sort(terms, {}, [](double v) { return std::abs(v); });
  for (const double t : terms) reference += static_cast<long double>(t);
  EXPECT_NEAR(forward, static_cast<double>(reference), 1e-15 * std::abs(forward));
}

TEST(ExactSum, IsNanWhenATermIsNotFinite) {
  EXPECT_TRUE(std::isnan(exact({1.0, std::numeric_limits<double>::infinity()})));
  EXPECT_TRUE(std::isnan(exact({std::numeric_limits<double>::quiet_NaN()})));
}

}  // namespace
}  // namespace talweg::math
