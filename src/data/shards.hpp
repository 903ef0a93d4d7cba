// SPDX-License-Identifier: Apache-2.0
// Which rank holds which example, and which examples a request takes: pure functions of n, seed and batch, never of ranks.
//
//   S = the largest power of two <= n/64, within [1, 256]            shards
//   position p = pi(record), pi a keyed permutation (split_seed)      the holdout is the tail of pi
//   shard of p = floor(S p / n)                                       contiguous positions
//   rank r of R owns shards [floor(r S / R), floor((r+1) S / R))
//
// An epoch visits shards in bit-reversed rotation and takes one leaf at each, so any contiguous ownership is balanced in every
// request; the shards' remainders come last. Within a shard a stateless permutation keyed by (seed, epoch) gives the order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.hpp"

namespace talweg::data {

/// The cut of one part (training, validation or test) of `count` examples into shards.
class ShardPlan {
 public:
  ShardPlan() = default;
  explicit ShardPlan(std::uint64_t count);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint32_t shards() const { return shards_; }
  [[nodiscard]] std::uint64_t begin(std::uint32_t shard) const;  // first position; begin(shards()) == count()
  [[nodiscard]] std::uint64_t size(std::uint32_t shard) const { return begin(shard + 1) - begin(shard); }
  [[nodiscard]] std::uint32_t shard_of(std::uint64_t position) const;
  struct Owned {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    [[nodiscard]] bool contains(std::uint32_t s) const { return s >= first && s < last; }
  };
  [[nodiscard]] Owned owned(int rank, int ranks) const;  // shards [first, last)

 private:
  std::uint64_t count_ = 0;
  std::uint32_t shards_ = 1;
};

/// A piece of a request within one shard: entries [first, first + count) of the shard's order; or, for draws with replacement,
/// explicit places within the shard.
struct Leaf {
  std::uint32_t shard = 0;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::vector<std::uint32_t> drawn;  // with replacement only: [count] places in the shard
};

enum class Sampling { shuffle, replace, cyclic };

/// From this epoch on (counted from 0) minibatches have so many examples.
struct BatchChange {
  std::uint64_t epoch = 0;
  std::uint64_t batch = 1;
};

/// The place of a minibatch in its epoch.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t index = 0;    // in its epoch
  std::uint64_t batches = 1;  // of that epoch: ceil(n / batch)
  std::uint64_t batch = 1;    // examples, the epoch's last one may have fewer
};

/// The order in which examples are asked for. The size of a batch depends only on the number of its epoch: with one size per
/// epoch, every example comes once, and the place of a step follows from its number alone.
class Order {
 public:
  /// `changes` of the batch: by ascending epochs from 1 on.
  Order(const ShardPlan& plan, Sampling sampling, std::uint64_t seed, std::uint64_t batch, std::uint32_t leaf,
        std::span<const BatchChange> changes = {});
  [[nodiscard]] std::uint64_t batch() const { return stages_.front().batch; }  // of the first epoch
  [[nodiscard]] std::uint64_t largest_batch() const;
  [[nodiscard]] std::uint64_t steps_per_epoch() const { return stages_.front().batches; }  // of the first: ceil(n / batch)
  [[nodiscard]] bool constant() const { return stages_.size() == 1; }
  [[nodiscard]] Position position(std::uint64_t step) const;
  /// Converts steps to epochs, and epochs to steps; an epoch that has begun counts as a whole.
  [[nodiscard]] double epochs(std::uint64_t steps) const;
  [[nodiscard]] double steps(double epochs) const;
  /// The step at the same place of a run that keeps the first epoch's batch. Schedules count in these.
  [[nodiscard]] std::uint64_t at_first_batch(std::uint64_t step) const;
  [[nodiscard]] std::uint64_t batch_size(std::uint64_t step) const;  // the epoch's last one may be short
  /// The leaves of minibatch number `step` (counted over all epochs), all ranks' leaves, in a fixed order.
  [[nodiscard]] std::vector<Leaf> leaves(std::uint64_t step) const;
  /// Every example once, in file-independent fixed order, in leaves of at most `leaf`.
  [[nodiscard]] std::vector<Leaf> all(std::uint32_t leaf) const;
  /// Places within its shard of a leaf of minibatch `step` (`places` has leaf.count entries). `all()` leaves are first,
  /// first+1, ...
  void places(std::uint64_t step, const Leaf& leaf, std::span<std::uint32_t> places) const;

 private:
  [[nodiscard]] std::vector<Leaf> turns(std::uint64_t step) const;         // shuffle, cyclic
  [[nodiscard]] std::vector<Leaf> drawn_leaves(std::uint64_t step) const;  // replace
  struct Stage {                                                           // a range of epochs with the same size of batch
    std::uint64_t epoch = 0;
    std::uint64_t step = 0;
    std::uint64_t batch = 1;
    std::uint64_t batches = 1;
  };
  ShardPlan plan_;
  Sampling sampling_;
  std::uint64_t seed_;
  std::uint32_t leaf_;
  std::vector<Stage> stages_;
  std::vector<std::uint32_t> rotation_;         // shards in bit-reversed order
  std::uint64_t full_rounds_ = 0;               // rounds in which every shard has a whole leaf
  std::vector<std::uint64_t> remainder_begin_;  // [S + 1] prefix sums, in rotation order, of what is left after the full rounds
};

}  // namespace talweg::data
