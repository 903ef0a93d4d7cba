// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace talweg::base {
namespace {

// Known answers from Random123's kat_vectors: the library gives the published numbers.
TEST(Random, ThePhiloxBeneathIsThePublishedOne) {
  using Philox = r123::Philox4x32;
  constexpr std::uint32_t kOnes = 0xffffffffU;
  const auto expect = [](const Philox::ctr_type& counter, const Philox::key_type& key, const Philox::ctr_type& answer) {
    EXPECT_EQ(Philox()(counter, key), answer);
  };
  expect({{0, 0, 0, 0}}, {{0, 0}}, {{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}});
  expect({{kOnes, kOnes, kOnes, kOnes}}, {{kOnes, kOnes}}, {{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}});
  expect({{0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}}, {{0xa4093822U, 0x299f31d0U}},
         {{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}});
}

// Runs, orders and initial parameters depend on these numbers: if they change, every result changes.
TEST(Random, DrawsAreFixedForEver) {
  const Random random(1, Purpose::test);
  const auto first = random.bits(0, 0);
  EXPECT_EQ(random.bits(0, 0), first) << "stateless";
  EXPECT_NE(random.bits(1, 0), first);
  EXPECT_NE(random.bits(0, 1), first);
  EXPECT_NE(Random(2, Purpose::test).bits(0, 0), first);
  EXPECT_NE(Random(1, Purpose::noise).bits(0, 0), first);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  const Random random(3, Purpose::test);
  constexpr int kDraws = 200000;
  double mean = 0, normal = 0, square = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    mean += u / kDraws;
    const double z = random.normal(static_cast<std::uint64_t>(i), 1);
    normal += z / kDraws;
    square += z * z / kDraws;
    fourth += z * z * z * z / kDraws;
  }
  EXPECT_NEAR(mean, 0.5, 0.003);
  EXPECT_NEAR(normal, 0, 0.01);
  EXPECT_NEAR(square, 1, 0.015);
  EXPECT_NEAR(fourth, 3, 0.12);
}

TEST(Random, BelowIsEvenOverItsRange) {
  const Random random(4, Purpose::test);
  std::vector<int> counts(7);
  for (std::uint64_t i = 0; i < 70000; ++i) ++counts.at(random.below(7, i));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.below(1, 5), 0U);
  EXPECT_LT(random.below(~0ULL, 5), ~0ULL);
}

TEST(Permutation, IsABijection) {
  for (const std::uint64_t size : {1ULL, 2ULL, 3ULL, 64ULL, 100ULL, 1797ULL, 65537ULL}) {
    const Permutation p(size, 9, Purpose::order, 3);
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < size; ++i) {
      ASSERT_LT(p(i), size);
      seen.insert(p(i));
    }
    EXPECT_EQ(seen.size(), size);
  }
}

TEST(Permutation, ManyAtOnceAreTheSameImages) {
  for (const std::uint64_t size : {1ULL, 2ULL, 5ULL, 64ULL, 65ULL, 1797ULL, 65537ULL, 0x100000000ULL}) {
    const Permutation p(size, 9, Purpose::order, 3);
    const std::uint64_t count = std::min<std::uint64_t>(size, 1000);
    const std::uint64_t first = size - count;
    std::vector<std::uint32_t> images(count);
    p(first, images);
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(images[i], p(first + i)) << size << ", " << first + i;
  }
}

TEST(Permutation, DependsOnSeedPurposeAndStream) {
  const auto differs = [](const Permutation& a, const Permutation& b) {
    int count = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) count += a(i) != b(i);
    return count > 900;
  };
  const Permutation base(1000, 1, Purpose::order, 0);
  EXPECT_TRUE(differs(base, Permutation(1000, 2, Purpose::order, 0)));
  EXPECT_TRUE(differs(base, Permutation(1000, 1, Purpose::split, 0)));
  EXPECT_TRUE(differs(base, Permutation(1000, 1, Purpose::order, 1)));
}

TEST(Permutation, MixesNeighbours) {
  // Mean distance of neighbours' images is a third of the range for a random permutation.
  const Permutation p(10000, 1, Purpose::order, 0);
  double distance = 0;
  for (std::uint64_t i = 0; i + 1 < 10000; ++i)
    distance += std::abs(static_cast<double>(p(i)) - static_cast<double>(p(i + 1))) / 9999;
  EXPECT_NEAR(distance, 10000.0 / 3, 150);
}

}  // namespace
}  // namespace talweg::base
