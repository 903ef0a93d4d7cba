// SPDX-License-Identifier: Apache-2.0
// Vector arithmetic, block by block: by one rank on whole vectors, or by all ranks together, each on its slice.
#pragma once

#include <vector>

#include "talweg/engine/placement.hpp"
#include "talweg/engine/vector_store.hpp"
#include "talweg/math/parallel.hpp"
#include "talweg/optim/vector_space.hpp"

namespace talweg::engine {

template <class Real>
class BlockSpace final : public optim::VectorSpace {
 public:
  /// Works on the blocks `mine`; with `together` every rank calls the same verbs, each on its own blocks.
  BlockSpace(const math::ParameterLayout& layout, const math::Threads& threads, VectorStore<Real>& store, double& seconds,
             BlockRange mine, comm::Communicator* together)
      : layout_(layout),
        threads_(threads),
        store_(store),
        seconds_(seconds),
        mine_(mine),
        together_(together),
        partial_(layout.blocks().size()) {}

  [[nodiscard]] const math::ParameterLayout& layout() const override { return layout_; }
  math::Sums for_each_block(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&) override;
  [[nodiscard]] std::span<const math::Sums> block_sums() const override { return partial_; }
  void for_each_tensor(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&,
                       std::span<const std::span<double>> tables) override;
  Vector acquire() override { return together_ != nullptr ? store_.acquire_common() : store_.acquire_own(); }
  void release(Vector v) override { store_.release(v); }

  /// What fills a block of scratch (the finished gradient) before the kernel sees it as arrays[0].
  class Source {
   public:
    virtual ~Source() = default;
    virtual void fill(const math::Block&, std::span<Real> block) const = 0;
  };
  /// The one loop over blocks; `source` may be null.
  math::Sums run(const Source* source, std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&);

 private:
  const math::ParameterLayout& layout_;
  const math::Threads& threads_;
  VectorStore<Real>& store_;
  double& seconds_;
  BlockRange mine_;
  comm::Communicator* together_;
  std::vector<math::Sums> partial_;  // [blocks]
};

}  // namespace talweg::engine
