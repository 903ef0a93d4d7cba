// SPDX-License-Identifier: Apache-2.0
#include "data/shards.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <numeric>

namespace talweg::data {
namespace {

constexpr std::uint64_t kShardAtLeast = 64;  // examples
constexpr std::uint64_t kShardsAtMost = 256;
constexpr std::uint64_t kStreamsPerEpoch = 65536;  // shard numbers fit below

/// 0..shards-1 in bit-reversed order: any contiguous range of shards is visited evenly.
std::vector<std::uint32_t> bit_reversed(std::uint32_t shards) {
  const int bits = std::countr_zero(shards);
  std::vector<std::uint32_t> order(shards);
  for (std::uint32_t i = 0; i < shards; ++i) {
    for (int b = 0; b < bits; ++b) order[i] |= (i >> b & 1U) << (bits - 1 - b);
  }
  return order;
}

}  // namespace

ShardPlan::ShardPlan(std::uint64_t count)
    : count_(count),
      shards_(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(std::bit_floor(count / kShardAtLeast), 1, kShardsAtMost))) {}

std::uint64_t ShardPlan::begin(std::uint32_t shard) const { return (shard * count_ + shards_ - 1) / shards_; }

std::uint32_t ShardPlan::shard_of(std::uint64_t position) const {
  return static_cast<std::uint32_t>(shards_ * position / count_);
}

ShardPlan::Owned ShardPlan::owned(int rank, int ranks) const {
  const auto first = [&](int r) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(r) * shards_ / static_cast<std::uint64_t>(ranks));
  };
  return {first(rank), first(rank + 1)};
}

Order::Order(const ShardPlan& plan, Sampling sampling, std::uint64_t seed, std::uint64_t batch, std::uint32_t leaf,
             std::span<const BatchChange> changes)
    : plan_(plan), sampling_(sampling), seed_(seed), leaf_(std::max(leaf, 1U)), rotation_(bit_reversed(plan.shards())) {
  const auto begin = [&](std::uint64_t epoch, std::uint64_t step, std::uint64_t wanted) {
    const std::uint64_t size =
        sampling == Sampling::replace ? wanted : std::min(wanted, std::max<std::uint64_t>(plan.count(), 1));
    stages_.push_back({.epoch = epoch, .step = step, .batch = size, .batches = (plan.count() + size - 1) / size});
  };
  begin(0, 0, batch);
  for (const BatchChange& change : changes) {
    const Stage& last = stages_.back();
    begin(change.epoch, last.step + (change.epoch - last.epoch) * last.batches, change.batch);
  }
  full_rounds_ = plan.count() / plan.shards() / leaf_;
  remainder_begin_.push_back(0);
  for (const std::uint32_t shard : rotation_) {
    remainder_begin_.push_back(remainder_begin_.back() + plan.size(shard) - full_rounds_ * leaf_);
  }
}

std::uint64_t Order::largest_batch() const { return std::ranges::max(stages_, {}, &Stage::batch).batch; }

Position Order::position(std::uint64_t step) const {
  const auto next = std::ranges::upper_bound(stages_, step, {}, &Stage::step);
  const Stage& stage = *std::prev(next);
  const std::uint64_t steps = step - stage.step;
  return {.epoch = stage.epoch + steps / stage.batches,
          .index = steps % stage.batches,
          .batches = stage.batches,
          .batch = stage.batch};
}

double Order::epochs(std::uint64_t steps) const {
  const Stage& stage = *std::prev(std::ranges::upper_bound(stages_, steps, {}, &Stage::step));
  return static_cast<double>(stage.epoch) + static_cast<double>(steps - stage.step) / static_cast<double>(stage.batches);
}

double Order::steps(double epochs) const {
  const auto begins = [](const Stage& stage) { return static_cast<double>(stage.epoch); };
  const Stage& stage = *std::prev(std::ranges::upper_bound(stages_, epochs, {}, begins));
  return static_cast<double>(stage.step) + std::ceil((epochs - begins(stage)) * static_cast<double>(stage.batches));
}

std::uint64_t Order::at_first_batch(std::uint64_t step) const {
  if (constant()) return step;
  const Position p = position(step);
  return p.epoch * steps_per_epoch() + p.index * steps_per_epoch() / p.batches;
}

std::uint64_t Order::batch_size(std::uint64_t step) const {
  const Position p = position(step);
  return sampling_ == Sampling::replace ? p.batch : std::min(p.batch, plan_.count() - p.index * p.batch);
}

std::vector<Leaf> Order::leaves(std::uint64_t step) const {
  return sampling_ == Sampling::replace ? drawn_leaves(step) : turns(step);
}

/// The turns of the epoch, one after another, are cut into batches; a batch that ends inside a turn splits it.
std::vector<Leaf> Order::turns(std::uint64_t step) const {
  const std::uint64_t in_full_rounds = full_rounds_ * plan_.shards() * leaf_;
  const Position position = this->position(step);
  std::uint64_t at = position.index * position.batch;
  const std::uint64_t end = at + batch_size(step);
  std::vector<Leaf> leaves;
  while (at < end) {
    std::uint32_t shard = 0;
    std::uint64_t first = 0;
    std::uint64_t left = 0;  // of the turn
    if (at < in_full_rounds) {
      const std::uint64_t turn = at / leaf_;
      shard = rotation_[turn % plan_.shards()];
      first = turn / plan_.shards() * leaf_ + at % leaf_;
      left = leaf_ - at % leaf_;
    } else {
      const std::uint64_t rest = at - in_full_rounds;
      const auto next = std::ranges::upper_bound(remainder_begin_, rest);
      const auto turn = static_cast<std::size_t>(next - remainder_begin_.begin()) - 1;
      shard = rotation_[turn];
      first = full_rounds_ * leaf_ + rest - remainder_begin_[turn];
      left = *next - rest;
    }
    const std::uint64_t count = std::min({left, end - at, std::uint64_t{leaf_}});
    leaves.push_back({.shard = shard, .first = first, .count = static_cast<std::uint32_t>(count), .drawn = {}});
    at += count;
  }
  return leaves;
}

std::vector<Leaf> Order::drawn_leaves(std::uint64_t step) const {
  const base::Random random(seed_, base::Purpose::replacement);
  std::vector<std::vector<std::uint32_t>> places(plan_.shards());
  for (std::uint64_t t = 0; t < batch_size(step); ++t) {
    const std::uint64_t position = random.below(plan_.count(), step, t);
    const std::uint32_t shard = plan_.shard_of(position);
    places[shard].push_back(static_cast<std::uint32_t>(position - plan_.begin(shard)));
  }
  std::vector<Leaf> leaves;
  for (const std::uint32_t shard : rotation_) {
    for (std::size_t at = 0; at < places[shard].size(); at += leaf_) {
      const std::size_t count = std::min<std::size_t>(leaf_, places[shard].size() - at);
      const auto from = places[shard].begin() + static_cast<std::ptrdiff_t>(at);
      leaves.push_back({.shard = shard,
                        .first = 0,
                        .count = static_cast<std::uint32_t>(count),
                        .drawn = {from, from + static_cast<std::ptrdiff_t>(count)}});
    }
  }
  return leaves;
}

std::vector<Leaf> Order::all(std::uint32_t leaf) const {
  std::vector<Leaf> leaves;
  for (std::uint32_t shard = 0; shard < plan_.shards(); ++shard) {
    for (std::uint64_t first = 0; first < plan_.size(shard); first += leaf) {
      leaves.push_back({.shard = shard,
                        .first = first,
                        .count = static_cast<std::uint32_t>(std::min<std::uint64_t>(leaf, plan_.size(shard) - first)),
                        .drawn = {}});
    }
  }
  return leaves;
}

void Order::places(std::uint64_t step, const Leaf& leaf, std::span<std::uint32_t> places) const {
  if (sampling_ == Sampling::replace) {
    std::ranges::copy(leaf.drawn, places.begin());
    return;
  }
  if (sampling_ == Sampling::cyclic) {
    std::iota(places.begin(), places.end(), static_cast<std::uint32_t>(leaf.first));
    return;
  }
  const std::uint64_t epoch = position(step).epoch;
  const base::Permutation order(plan_.size(leaf.shard), seed_, base::Purpose::order, epoch * kStreamsPerEpoch + leaf.shard);
  order(leaf.first, places);
}

}  // namespace talweg::data
