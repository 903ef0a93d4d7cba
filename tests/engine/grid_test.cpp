// SPDX-License-Identifier: Apache-2.0
#include "talweg/engine/grid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "talweg/base/random.hpp"

namespace talweg::engine {
namespace {

template <class Real>
std::uint32_t set_rounded(const std::vector<Real>& leaf, double constant, std::span<double> sums) {
  const std::span<const Real> share = leaf;
  return add_rounded<Real>({&share, 1}, constant, true, sums);
}
template <class Real>
std::uint32_t add_rounded(const std::vector<Real>& leaf, double constant, std::span<double> sums) {
  const std::span<const Real> share = leaf;
  return engine::add_rounded<Real>({&share, 1}, constant, false, sums);
}

using base::Purpose;
using base::Random;

template <class Real>
std::vector<std::vector<Real>> leaves_of_noise(std::size_t leaves, std::size_t size, double scale) {
  const Random random(7, Purpose::test);
  std::vector<std::vector<Real>> all(leaves, std::vector<Real>(size));
  for (std::size_t l = 0; l < leaves; ++l) {
    for (std::size_t i = 0; i < size; ++i) all[l][i] = static_cast<Real>(scale * random.normal(l, i));
  }
  return all;
}

std::int32_t exponent_for(std::uint32_t high_word) {
  Grids grids(1);
  grids.follow(Asker::method, Kind::batch_gradient, {{high_word}});
  return grids.exponents(Asker::method, Kind::batch_gradient)[0];
}

template <class Real>
class RoundedSums : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RoundedSums, Precisions);

TYPED_TEST(RoundedSums, LeavesTogetherAreTheNaiveSumOfRoundedLeaves) {
  using Real = TypeParam;
  const std::size_t size = 67;
  for (std::size_t count = 1; count <= 9; ++count) {
    const auto leaves = leaves_of_noise<Real>(count, size, 0.9);
    const double constant = rounding_constant(4, count);
    std::vector<std::span<const Real>> shares(leaves.begin(), leaves.end());
    for (const bool first : {true, false}) {
      std::vector<double> sums(size, 0.5);
      std::vector<Real> fast(size, Real{0.5});
      const std::uint32_t highest = engine::add_rounded<Real>(shares, constant, first, sums);
      EXPECT_EQ(engine::add_plain<Real>(shares, first, fast), highest);
      std::uint32_t expected = 0;
      std::vector<double> one(size);
      for (const auto& leaf : leaves) expected = std::max(expected, set_rounded<Real>(leaf, constant, one));
      EXPECT_EQ(highest, expected);
      for (std::size_t i = 0; i < size; ++i) {
        double exact = first ? 0 : 0.5;
        Real plain = first ? Real{0} : Real{0.5};
        for (const auto& leaf : leaves) {
          exact += (static_cast<double>(leaf[i]) + constant) - constant;
          plain += leaf[i];
        }
        ASSERT_EQ(sums[i], exact) << count << " leaves";
        ASSERT_EQ(fast[i], plain) << count << " leaves";
      }
    }
  }
}

TYPED_TEST(RoundedSums, DoNotDependOnOrderOrGrouping) {
  using Real = TypeParam;
  const std::size_t size = 257;
  const auto leaves = leaves_of_noise<Real>(37, size, 3.7);
  std::vector<double> scratch(size);
  std::uint32_t highest = 0;
  for (const auto& leaf : leaves) highest = std::max(highest, set_rounded<Real>(leaf, 1.0, scratch));
  const double constant = rounding_constant(exponent_for(highest), leaves.size());

  std::vector<double> forward(size, 0.0);
  for (const auto& leaf : leaves) add_rounded<Real>(leaf, constant, forward);
  std::vector<double> backward(size, 0.0);
  for (auto leaf = leaves.rbegin(); leaf != leaves.rend(); ++leaf) add_rounded<Real>(*leaf, constant, backward);
  std::vector<double> left(size, 0.0);
  std::vector<double> right(size, 0.0);
  for (std::size_t l = 0; l < leaves.size(); ++l) add_rounded<Real>(leaves[l], constant, l % 3 == 0 ? left : right);
  for (std::size_t i = 0; i < size; ++i) {
    EXPECT_EQ(forward[i], backward[i]);
    EXPECT_EQ(forward[i], left[i] + right[i]);
    long double truth = 0;
    for (const auto& leaf : leaves) truth += static_cast<long double>(leaf[i]);
    EXPECT_NEAR(static_cast<double>(truth), forward[i], 1e-9);
  }
}

TEST(RoundingConstant, RoundsToTheStatedGrid) {
  for (const std::uint64_t leaves : {1u, 2u, 3u, 8u, 500u}) {
    for (const int exponent : {-30, 0, 9}) {
      const double constant = rounding_constant(exponent, leaves);
      const int k = exponent + static_cast<int>(std::ceil(std::log2(static_cast<double>(leaves))));
      const double grid = std::ldexp(1.0, k - 51);
      for (const double share : {0.999999, -0.999999, 0.3141592653589793, -1e-9}) {
        const double v = std::ldexp(share, exponent);
        const double rounded = (v + constant) - constant;
        EXPECT_EQ(std::remainder(rounded, grid), 0.0);
        EXPECT_LE(std::abs(rounded - v), grid / 2);
      }
    }
  }
}

TEST(Grids, AreOutgrownExactlyAtTwoToTheE) {
  Grids grids(2);
  const auto word = [](double v) {
    std::vector<double> out(1);
    return set_rounded<double>(std::vector<double>{v}, 1.0, out);
  };
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

TEST(Magnitudes, PutNanAndInfinityOnTop) {
  std::vector<double> out(3);
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_GE(set_rounded<float>(std::vector<float>{1e38f, inf, 0.f}, 1.0, out), kNotFinite);
  EXPECT_GE(set_rounded<float>(std::vector<float>{nan, 1e38f, 0.f}, 1.0, out), kNotFinite);
  EXPECT_GE(set_rounded<double>(std::vector<double>{-std::numeric_limits<double>::quiet_NaN(), 1, 2}, 1.0, out), kNotFinite);
  EXPECT_GE(set_rounded<double>(std::vector<double>{-1e300, 1, 2}, 1.0, out), kNotFinite) << "no grid could hold it";
  EXPECT_LT(set_rounded<double>(std::vector<double>{-1e260, 1, 2}, 1.0, out), kNotFinite);
  EXPECT_LT(set_rounded<float>(std::vector<float>{-3e38f, 1.f, 0.f}, 1.0, out), kNotFinite);
  EXPECT_NE(set_rounded<double>(std::vector<double>{5e-324, 0, 0}, 1.0, out), 0u);
}

}  // namespace
}  // namespace talweg::engine
