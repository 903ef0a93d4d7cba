// SPDX-License-Identifier: Apache-2.0
// Vector arithmetic where whole vectors live on one rank (placement "coordinator").
#pragma once

#include <vector>

#include "talweg/engine/vector_store.hpp"
#include "talweg/math/parallel.hpp"
#include "talweg/optim/vector_space.hpp"

namespace talweg::engine {

template <class Real>
class BlockSpace final : public optim::VectorSpace {
 public:
  BlockSpace(const math::ParameterLayout& layout, const math::Threads& threads, VectorStore<Real>& store, double& seconds)
      : layout_(layout), threads_(threads), store_(store), seconds_(seconds), partial_(layout.blocks().size()) {}

  [[nodiscard]] const math::ParameterLayout& layout() const override { return layout_; }
  math::Sums for_each_block(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&) override;
  Vector acquire() override { return store_.acquire(); }
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
  std::vector<math::Sums> partial_;
};

}  // namespace talweg::engine
