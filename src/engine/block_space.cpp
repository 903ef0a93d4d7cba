// SPDX-License-Identifier: Apache-2.0
#include "talweg/engine/block_space.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <tuple>

#include "talweg/engine/meter.hpp"

namespace talweg::engine {
namespace {

constexpr std::size_t kMaxArrays = 40;    // of one kernel
constexpr std::size_t kSerialBlocks = 4;  // below this, waking threads costs more than it saves; same bits either way

}  // namespace

template <class Real>
math::Sums BlockSpace<Real>::for_each_block(std::span<const Vector> writes, std::span<const Vector> reads,
                                            const math::BlockKernel& kernel) {
  const Stopwatch watch(seconds_);
  return run(nullptr, writes, reads, kernel);
}

template <class Real>
math::Sums BlockSpace<Real>::run(const Source* source, std::span<const Vector> writes, std::span<const Vector> reads,
                                 const math::BlockKernel& kernel) {
  if (together_ == nullptr) {
    for (const Vector v : writes) {
      if (store_.common(v)) throw std::logic_error("a vector that all ranks hold is written by all of them together");
    }
    for (const Vector v : reads) {
      if (complete_) complete_(v);
    }
  }
  std::array<Real*, kMaxArrays> bases{};
  const std::size_t arrays = (source != nullptr ? 1 : 0) + writes.size() + reads.size();
  if (arrays > kMaxArrays) throw std::logic_error("a block kernel takes at most 40 arrays");
  std::size_t k = source != nullptr ? 1 : 0;
  for (const Vector v : writes) bases[k++] = store_.values(v).data();
  for (const Vector v : reads) bases[k++] = store_.values(v).data();

  const auto blocks = layout_.blocks();
  const auto work = [&](std::size_t i) {
    const std::size_t b = mine_.first + i;
    const math::Block& block = blocks[b];
    alignas(64) std::array<Real, math::ParameterLayout::kBlock> scratch;
    std::array<Real*, kMaxArrays> at{};
    std::size_t first = 0;
    if (source != nullptr) {
      source->fill(block, {scratch.data(), block.count});
      at[0] = scratch.data();
      first = 1;
    }
    for (std::size_t i = first; i < arrays; ++i) at[i] = bases[i] + block.offset;
    partial_[b] = kernel.run(block, math::Arrays<Real>{{at.data(), arrays}, block.count});
  };
  const std::size_t count = mine_.last - mine_.first;
  if (count <= kSerialBlocks) {
    for (std::size_t b = 0; b < count; ++b) work(b);
  } else {
    threads_.for_each(count, work);
  }
  const bool spread = together_ != nullptr && owners_ == comm::Group::all;
  for (const Vector v : writes) spread ? store_.touch_part(v) : store_.touch(v);
  // Nobody goes on before all of the node have written.
  if (!kernel.sums()) {
    std::array<double, 1> done = {};
    if (together_ != nullptr) together_->sum(done, comm::Group::node);
    return {};
  }
  if (together_ != nullptr) {
    // Each block's sums come from one rank, zeros from the others: exact.
    std::fill_n(partial_.begin(), mine_.first, math::Sums{});
    std::fill(partial_.begin() + static_cast<std::ptrdiff_t>(mine_.last), partial_.end(), math::Sums{});
    together_->sum(std::span(partial_.front().data(), partial_.size() * std::tuple_size_v<math::Sums>), owners_);
  }
  math::Sums sums{};
  for (const math::Sums& p : partial_) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += p[i];
  }
  return sums;
}

template class BlockSpace<float>;
template class BlockSpace<double>;

}  // namespace talweg::engine
