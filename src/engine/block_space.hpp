// SPDX-License-Identifier: Apache-2.0
// Vector arithmetic, block by block: by one rank on whole vectors, or by all ranks together, each on its blocks.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "engine/placement.hpp"
#include "engine/vector_store.hpp"
#include "math/parallel.hpp"
#include "talweg/vector_space.hpp"

namespace talweg::engine {

template <class Real>
class BlockSpace final : public optim::VectorSpace {
 public:
  /// Works on the blocks `mine`. With `together` every rank calls the same verbs, each on its own blocks: those of the group
  /// `owners` have all blocks among them.
  BlockSpace(const math::ParameterLayout& layout, const math::Threads& threads, VectorStore<Real>& store, double& seconds,
             BlockRange mine, comm::Communicator* together, comm::Group owners = comm::Group::node)
      : layout_(layout),
        threads_(threads),
        store_(store),
        seconds_(seconds),
        mine_(mine),
        together_(together),
        owners_(owners),
        partial_(layout.blocks().size()) {}

  [[nodiscard]] const math::ParameterLayout& layout() const override { return layout_; }
  math::Sums for_each_block(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&) override;
  [[nodiscard]] std::span<const math::Sums> block_sums() const override { return partial_; }
  void for_each_tensor(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&,
                       std::span<const std::span<double>> tables) override;
  Vector acquire() override { return together_ != nullptr ? store_.acquire_common() : store_.acquire_own(); }
  void release(Vector v) override { store_.release(v); }
  /// What makes a vector whole that is spread over nodes, before one rank reads it alone or a whole tensor of it.
  void complete_with(std::function<void(Vector)> complete) { complete_ = std::move(complete); }

  /// While the gradient at hand is one thread's, so is what follows it: its sums are in that core's caches. Same bits.
  void stay_on_one_thread(bool stay) { one_thread_ = stay; }

  /// What fills a block of scratch (the finished gradient) before the kernel sees it as arrays[0].
  class Source {
   public:
    virtual ~Source() = default;
    virtual void fill(const math::Block&, std::span<Real> block) const = 0;
  };
  /// Each rank wrote its blocks of it.
  void written(Vector v) {
    const bool spread = together_ != nullptr && owners_ == comm::Group::all;
    spread ? store_.touch_part(v) : store_.touch(v);
  }
  /// The one loop over blocks; `source` may be null.
  math::Sums run(const Source* source, std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&);

 private:
  const math::ParameterLayout& layout_;
  const math::Threads& threads_;
  VectorStore<Real>& store_;
  double& seconds_;
  BlockRange mine_;
  comm::Communicator* together_;
  comm::Group owners_;
  std::function<void(Vector)> complete_;
  bool one_thread_ = false;
  std::vector<math::Sums> partial_;  // [blocks]
};

}  // namespace talweg::engine
