// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.hpp"
#include "talweg/sums.hpp"

namespace talweg::math {
namespace {

using base::Purpose;
using base::Random;

template <class Real>
using Leaves = std::vector<std::vector<Real>>;

template <class Real>
Leaves<Real> leaves_of_noise(std::size_t leaves, std::size_t size, double scale) {
  const Random random(7, Purpose::test);
  Leaves<Real> all(leaves, std::vector<Real>(size));
  for (std::size_t l = 0; l < leaves; ++l) {
    for (std::size_t i = 0; i < size; ++i) all[l][i] = static_cast<Real>(scale * random.normal(l, i));
  }
  return all;
}

/// Adds the leaves to `sums`; returns what highest() says.
template <class Real>
std::uint32_t add(const Leaves<Real>& leaves, double constant, bool first, std::vector<double>& sums) {
  std::vector<Real> scratch(TileSum<Real>::kTogether * sums.size());
  TileSum<Real> sum(constant, first, sums, scratch);
  sum.add_each(leaves.size(), [&](std::size_t leaf, std::span<Real> out) { std::ranges::copy(leaves[leaf], out.begin()); });
  return sum.highest();
}

template <class Real>
class TileSums : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TileSums, Precisions);

TYPED_TEST(TileSums, AreTheNaiveSumOfRoundedShares) {
  using Real = TypeParam;
  const std::size_t size = 2 * TileSum<Real>::kPiece + 67;
  for (std::size_t count = 0; count <= 9; ++count) {
    const auto leaves = leaves_of_noise<Real>(count, size, 0.9);
    const double constant = rounding_constant(4, std::max<std::size_t>(count, 1));
    for (const bool first : {true, false}) {
      std::vector<double> sums(size, 0.5);
      const std::uint32_t highest = add<Real>(leaves, constant, first, sums);
      std::vector<Real> fast(size, Real{0.5}), scratch(TileSum<Real>::kTogether * size);
      TileSum<Real> plain(first, std::span<Real>(fast), scratch);
      plain.add_each(count, [&](std::size_t leaf, std::span<Real> out) { std::ranges::copy(leaves[leaf], out.begin()); });
      EXPECT_EQ(plain.highest(), highest);
      std::uint32_t expected = 0;
      for (const auto& leaf : leaves) {
        std::vector<double> one(size);
        expected = std::max(expected, add<Real>({leaf}, constant, true, one));
      }
      EXPECT_EQ(highest, expected);
      for (std::size_t i = 0; i < size; ++i) {
        double exact = first ? 0 : 0.5;
        for (const auto& leaf : leaves) exact += (static_cast<double>(leaf[i]) + constant) - constant;
        ASSERT_EQ(sums[i], exact) << count << " leaves, element " << i;
        ASSERT_NEAR(static_cast<double>(fast[i]), exact, 1e-5) << count << " leaves, element " << i;
      }
    }
  }
}

TYPED_TEST(TileSums, DoNotDependOnOrderOrGrouping) {
  using Real = TypeParam;
  const std::size_t size = 257;
  auto leaves = leaves_of_noise<Real>(37, size, 3.7);
  const double constant = rounding_constant(5, leaves.size());  // no element reaches 2^5
  std::vector<double> forward(size), backward(size), left(size), right(size);
  add<Real>(leaves, constant, true, forward);
  std::ranges::reverse(leaves);
  for (std::size_t l = 0; l < leaves.size(); ++l) add<Real>({leaves[l]}, constant, l == 0, backward);
  for (std::size_t l = 0; l < leaves.size(); ++l) add<Real>({leaves[l]}, constant, false, l % 3 == 0 ? left : right);
  for (std::size_t i = 0; i < size; ++i) {
    EXPECT_EQ(forward[i], backward[i]);
    EXPECT_EQ(forward[i], left[i] + right[i]);
    long double truth = 0;
    for (const auto& leaf : leaves) truth += static_cast<long double>(leaf[i]);
    EXPECT_NEAR(static_cast<double>(truth), forward[i], 1e-9);
  }
}

TYPED_TEST(TileSums, PiecesGoWhereTheyBelong) {
  using Real = TypeParam;
  // A tile of 3 rows of 5, in pieces of two and three columns.
  const Leaves<Real> leaves = leaves_of_noise<Real>(2, 15, 0.7);
  const double constant = rounding_constant(3, 2);
  std::vector<double> whole(15), pieces(15, -1.0);
  const std::uint32_t highest = add<Real>(leaves, constant, true, whole);
  TileSum<Real> sum(constant, true, pieces, {});
  for (const auto& [begin, columns] : {std::pair<std::size_t, std::size_t>{0, 2}, {2, 3}}) {
    for (const auto& leaf : leaves) {
      std::vector<Real> share(3 * columns);
      for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < columns; ++c) share[r * columns + c] = leaf[r * 5 + begin + c];
      }
      sum.add(share);
    }
    sum.finish(3, columns, begin, 5);
  }
  sum.end();
  EXPECT_EQ(pieces, whole);
  EXPECT_EQ(sum.highest(), highest);
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

TEST(Magnitudes, PutNanAndInfinityOnTop) {
  const auto highest = []<class Real>(std::vector<Real> leaf) {
    std::vector<double> out(leaf.size());
    return add<Real>({leaf}, 1.0, true, out);
  };
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_GE(highest(std::vector<float>{1e38f, inf, 0.f}), kNotFinite);
  EXPECT_GE(highest(std::vector<float>{nan, 1e38f, 0.f}), kNotFinite);
  EXPECT_GE(highest(std::vector<double>{-std::numeric_limits<double>::quiet_NaN(), 1, 2}), kNotFinite);
  EXPECT_GE(highest(std::vector<double>{-1e300, 1, 2}), kNotFinite) << "no grid could hold it";
  EXPECT_LT(highest(std::vector<double>{-1e260, 1, 2}), kNotFinite);
  EXPECT_LT(highest(std::vector<float>{-3e38f, 1.f, 0.f}), kNotFinite);
  EXPECT_NE(highest(std::vector<double>{5e-324, 0, 0}), 0u);
}

}  // namespace
}  // namespace talweg::math
