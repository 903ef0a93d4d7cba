// SPDX-License-Identifier: Apache-2.0
// Vector arithmetic, block by block: every rank calls the same verbs and computes the blocks it owns.
#pragma once

#include <functional>
#include <vector>

#include "engine/owners.hpp"
#include "engine/vector_store.hpp"
#include "math/parallel.hpp"
#include "talweg/vector_space.hpp"

namespace talweg::engine {

template <class Real>
class BlockSpace final : public optim::VectorSpace {
 public:
  /// `complete` makes a vector whole on every node; `seconds` gets the time of the arithmetic.
  BlockSpace(const math::ParameterLayout& layout, const math::Threads& threads, comm::Communicator& comm, const Owners& owners,
             VectorStore<Real>& store, std::function<void(Vector)> complete, double& seconds)
      : layout_(layout),
        threads_(threads),
        comm_(comm),
        owners_(owners),
        store_(store),
        complete_(std::move(complete)),
        seconds_(seconds),
        partial_(layout.blocks().size()) {}

  [[nodiscard]] const math::ParameterLayout& layout() const override { return layout_; }
  math::Sums for_each_block(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&) override;
  [[nodiscard]] std::span<const math::Sums> block_sums() const override { return partial_; }
  void for_each_tensor(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&,
                       std::span<const std::span<double>> tables) override;
  Vector acquire() override { return store_.acquire(); }
  void release(Vector v) override { store_.release(v); }

  /// When the gradient at hand was computed by one thread, so is what follows it: its sums are in that core's caches. Same bits.
  void stay_on_one_thread(bool stay) { one_thread_ = stay; }

  /// Fills a block of scratch (the finished gradient) before the kernel sees it as arrays[0].
  class Source {
   public:
    virtual ~Source() = default;
    virtual void fill(const math::Block&, std::span<Real> block) const = 0;
  };
  /// Waits until the ranks of this node have written what earlier kernels write, before a rank reads what others wrote. Kernels
  /// over blocks read and write a rank's own blocks only, so between them nobody waits.
  void settle();
  /// Each rank wrote its blocks of it.
  void written(Vector v) { owners_.spreads() ? store_.touch_part(v) : store_.touch(v); }
  /// The one loop over blocks; `source` may be null.
  math::Sums run(const Source* source, std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&);

 private:
  const math::ParameterLayout& layout_;
  const math::Threads& threads_;
  comm::Communicator& comm_;
  const Owners& owners_;
  VectorStore<Real>& store_;
  std::function<void(Vector)> complete_;
  double& seconds_;
  bool one_thread_ = false;
  bool unsettled_ = false;  // a kernel wrote, and no collective of the node has followed
  std::vector<math::Sums> partial_;  // [blocks]
};

}  // namespace talweg::engine
