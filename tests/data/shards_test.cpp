// SPDX-License-Identifier: Apache-2.0
#include "data/shards.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace talweg::data {
namespace {

struct Case {
  std::uint64_t count;
  std::uint64_t batch;
  std::uint32_t leaf;
};
const std::vector<Case> kCases = {{1, 1, 1},        {5, 2, 4},         {63, 10, 3},      {64, 64, 64},     {127, 16, 16},
                                  {128, 30, 8},     {1000, 64, 32},    {1000, 1, 1},     {1437, 100, 32},  {1437, 5000, 64},
                                  {16384, 512, 64}, {16384, 1000, 64}, {20001, 256, 32}, {20001, 256, 300}};

/// Positions that minibatch `step` asks for.
std::vector<std::uint64_t> positions(const ShardPlan& plan, const Order& order, std::uint64_t step) {
  std::vector<std::uint64_t> all;
  for (const Leaf& leaf : order.leaves(step)) {
    std::vector<std::uint32_t> places(leaf.count);
    order.places(step, leaf, places);
    for (const std::uint32_t place : places) {
      EXPECT_LT(place, plan.size(leaf.shard));
      all.push_back(plan.begin(leaf.shard) + place);
    }
  }
  return all;
}

TEST(ShardPlan, NumberOfShardsFollowsTheNumberOfExamplesAlone) {
  const std::map<std::uint64_t, std::uint32_t> expected = {
      {0, 1}, {1, 1}, {63, 1}, {127, 1}, {128, 2}, {255, 2}, {256, 4}, {1437, 16}, {16383, 128}, {16384, 256}, {10000000, 256}};
  for (const auto& [count, shards] : expected) EXPECT_EQ(ShardPlan(count).shards(), shards) << count;
}

TEST(ShardPlan, ShardsCoverThePositionsAndDifferByOneAtMost) {
  for (const std::uint64_t count : {1, 2, 127, 129, 1000, 1437, 16385, 60000}) {
    const ShardPlan plan(count);
    EXPECT_EQ(plan.begin(0), 0U);
    EXPECT_EQ(plan.begin(plan.shards()), count);
    for (std::uint64_t p = 0; p < count; ++p) {
      const std::uint32_t shard = plan.shard_of(p);
      ASSERT_EQ(shard, plan.shards() * p / count);
      ASSERT_GE(p, plan.begin(shard));
      ASSERT_LT(p, plan.begin(shard + 1));
    }
    for (std::uint32_t s = 0; s < plan.shards(); ++s) {
      EXPECT_GE(plan.size(s), count / plan.shards());
      EXPECT_LE(plan.size(s), count / plan.shards() + 1);
    }
  }
}

TEST(ShardPlan, RanksOwnContiguousDisjointShares) {
  for (const std::uint64_t count : {10, 1000, 60000}) {
    const ShardPlan plan(count);
    for (const int ranks : {1, 2, 3, 4, 7, 300}) {
      std::uint32_t next = 0;
      for (int r = 0; r < ranks; ++r) {
        const auto owned = plan.owned(r, ranks);
        EXPECT_EQ(owned.first, next);
        EXPECT_GE(owned.last, owned.first);
        next = owned.last;
      }
      EXPECT_EQ(next, plan.shards());
    }
  }
}

TEST(Order, EveryExampleExactlyOncePerEpoch) {
  for (const auto sampling : {Sampling::shuffle, Sampling::cyclic}) {
    for (const Case& c : kCases) {
      const ShardPlan plan(c.count);
      const Order order(plan, sampling, 3, c.batch, c.leaf);
      const std::uint64_t steps = order.steps_per_epoch();
      EXPECT_EQ(steps, (c.count + c.batch - 1) / c.batch);
      for (const std::uint64_t epoch : {0, 1, 5}) {
        std::vector<int> seen(c.count);
        for (std::uint64_t k = 0; k < steps; ++k) {
          const std::uint64_t step = epoch * steps + k;
          const auto asked = positions(plan, order, step);
          EXPECT_EQ(asked.size(), order.batch_size(step));
          EXPECT_EQ(asked.size(), std::min(c.batch, c.count - k * c.batch))
              << "n " << c.count << " batch " << c.batch << " step " << step;
          for (const std::uint64_t p : asked) ++seen[p];
        }
        EXPECT_TRUE(std::ranges::all_of(seen, [](int times) { return times == 1; }))
            << "n " << c.count << " batch " << c.batch << " leaf " << c.leaf;
      }
    }
  }
}

// Batches of 64, 100 from epoch 2, 900 from epoch 3 of 1000 examples: 16, 10 and 2 steps an epoch.
TEST(Order, BatchesThatChangeStillHaveEveryExampleOncePerEpoch) {
  const ShardPlan plan(1000);
  const std::vector<BatchChange> changes = {{2, 100}, {3, 900}};
  for (const auto sampling : {Sampling::shuffle, Sampling::cyclic}) {
    const Order order(plan, sampling, 3, 64, 32, changes);
    EXPECT_FALSE(order.constant());
    EXPECT_EQ(order.batch(), 64U);
    EXPECT_EQ(order.largest_batch(), 900U);
    std::uint64_t step = 0;
    for (const std::uint64_t batch : {64, 64, 100, 900, 900}) {
      std::vector<int> seen(1000);
      const std::uint64_t steps = (1000 + batch - 1) / batch;
      for (std::uint64_t k = 0; k < steps; ++k, ++step) {
        const auto asked = positions(plan, order, step);
        EXPECT_EQ(asked.size(), std::min(batch, 1000 - k * batch)) << step;
        EXPECT_EQ(asked.size(), order.batch_size(step));
        EXPECT_EQ(order.position(step).index, k);
        for (const std::uint64_t p : asked) ++seen[p];
      }
      EXPECT_TRUE(std::ranges::all_of(seen, [](int times) { return times == 1; })) << "batch " << batch;
    }
    EXPECT_EQ(order.position(16 + 16 + 10).epoch, 3U);
    EXPECT_EQ(order.epochs(16 + 16 + 5), 2.5);
    EXPECT_EQ(order.epochs(16 + 16 + 10 + 3), 4.5);
    EXPECT_EQ(order.steps(2.5), 37);
    EXPECT_EQ(order.steps(4.2), 16 + 16 + 10 + 2 + 1) << "the last one begun counts whole";
    EXPECT_EQ(order.at_first_batch(37), 40U) << "half an epoch of 16 steps after two";
    EXPECT_EQ(order.at_first_batch(7), 7U);
    if (sampling == Sampling::shuffle) {
      EXPECT_NE(positions(plan, order, 42), positions(plan, order, 44)) << "two epochs ask in the same order";
    }
  }
  EXPECT_EQ(positions(plan, Order(plan, Sampling::shuffle, 3, 64, 32, changes), 20),
            positions(plan, Order(plan, Sampling::shuffle, 3, 64, 32), 20))
      << "before the first change nothing is different";
  const Order drawn(plan, Sampling::replace, 3, 64, 32, changes);
  EXPECT_EQ(positions(plan, drawn, 16 + 16 + 3).size(), 100U);
}

TEST(Order, LeavesHoldAtMostTheLeafAndStayInTheirShard) {
  for (const auto sampling : {Sampling::shuffle, Sampling::cyclic, Sampling::replace}) {
    for (const Case& c : kCases) {
      const ShardPlan plan(c.count);
      const Order order(plan, sampling, 3, c.batch, c.leaf);
      for (std::uint64_t step = 0; step < order.steps_per_epoch(); ++step) {
        for (const Leaf& leaf : order.leaves(step)) {
          ASSERT_GE(leaf.count, 1U);
          ASSERT_LE(leaf.count, c.leaf);
          ASSERT_LT(leaf.shard, plan.shards());
          ASSERT_LE(leaf.first + leaf.count, plan.size(leaf.shard));
        }
      }
    }
  }
}

TEST(Order, EpochsAndSeedsDifferAndRepeat) {
  const ShardPlan plan(1000);
  const Order order(plan, Sampling::shuffle, 3, 64, 32);
  const std::uint64_t steps = order.steps_per_epoch();
  EXPECT_EQ(positions(plan, order, 2), positions(plan, Order(plan, Sampling::shuffle, 3, 64, 32), 2));
  EXPECT_NE(positions(plan, order, 2), positions(plan, order, 2 + steps)) << "two epochs ask in the same order";
  EXPECT_NE(positions(plan, order, 2), positions(plan, Order(plan, Sampling::shuffle, 4, 64, 32), 2))
      << "two seeds ask in the same order";
}

TEST(Order, CyclicIsTheSameInEveryEpochAndAscendsWithinShards) {
  const ShardPlan plan(1000);
  const Order order(plan, Sampling::cyclic, 3, 64, 32);
  EXPECT_EQ(positions(plan, order, 1), positions(plan, order, 1 + order.steps_per_epoch()));
  for (const Leaf& leaf : order.leaves(1)) {
    std::vector<std::uint32_t> places(leaf.count);
    order.places(1, leaf, places);
    for (std::uint32_t i = 0; i < leaf.count; ++i) EXPECT_EQ(places[i], leaf.first + i);
  }
}

TEST(Order, DrawsWithReplacementAreTheDrawsOfTheGenerator) {
  const std::uint64_t count = 5000;
  const ShardPlan plan(count);
  const Order order(plan, Sampling::replace, 9, 200, 16);
  const base::Random random(9, base::Purpose::replacement);
  for (const std::uint64_t step : {0, 1, 77}) {
    std::vector<std::uint64_t> expected(200);
    for (std::size_t t = 0; t < expected.size(); ++t) expected[t] = random.below(count, step, t);
    auto asked = positions(plan, order, step);
    std::set<std::uint32_t> done;
    std::uint32_t current = order.leaves(step).front().shard;
    for (const Leaf& leaf : order.leaves(step)) {
      if (leaf.shard == current) continue;
      done.insert(current);
      current = leaf.shard;
      EXPECT_FALSE(done.contains(current)) << "a shard's draws are not together";
    }
    std::ranges::sort(asked);
    std::ranges::sort(expected);
    EXPECT_EQ(asked, expected);
  }
}

TEST(Order, AnyContiguousOwnershipIsBalanced) {
  for (const Case& c : std::vector<Case>{
           {1437, 128, 32}, {16384, 256, 32}, {16384, 512, 64}, {20001, 256, 32}, {60000, 256, 32}, {60000, 512, 64}}) {
    const ShardPlan plan(c.count);
    const Order order(plan, Sampling::shuffle, 1, c.batch, c.leaf);
    std::array<double, 5> total{};
    for (std::uint64_t step = 0; step < order.steps_per_epoch(); ++step) {
      const auto leaves = order.leaves(step);
      for (const int ranks : {2, 3, 4}) {
        std::vector<std::uint64_t> share(static_cast<std::size_t>(ranks));
        for (int r = 0; r < ranks; ++r) {
          for (const Leaf& leaf : leaves) {
            if (plan.owned(r, ranks).contains(leaf.shard)) share[static_cast<std::size_t>(r)] += leaf.count;
          }
        }
        const auto [low, high] = std::ranges::minmax(share);
        const double spread = static_cast<double>(high - low) / c.leaf;
        // Halves and quarters of the shards line up with the bit reversal, thirds do not.
        EXPECT_LE(spread, ranks == 3 ? 2.0 : 1.0)
            << "n " << c.count << " batch " << c.batch << " ranks " << ranks << " step " << step;
        total[static_cast<std::size_t>(ranks)] += spread;
      }
    }
    for (const std::size_t ranks : {2U, 3U, 4U}) {
      EXPECT_LE(total[ranks] / static_cast<double>(order.steps_per_epoch()), 1.0)
          << "n " << c.count << " batch " << c.batch << " ranks " << ranks;
    }
  }
}

TEST(Order, AllCutsEveryShardInOrder) {
  for (const Case& c : kCases) {
    const ShardPlan plan(c.count);
    std::uint64_t next = 0;
    for (const Leaf& leaf : Order(plan, Sampling::shuffle, 1, c.batch, c.leaf).all(c.leaf)) {
      EXPECT_EQ(plan.begin(leaf.shard) + leaf.first, next);
      EXPECT_GE(leaf.count, 1U);
      EXPECT_LE(leaf.count, c.leaf);
      next += leaf.count;
    }
    EXPECT_EQ(next, c.count);
  }
}

}  // namespace
}  // namespace talweg::data
