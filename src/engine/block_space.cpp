// SPDX-License-Identifier: Apache-2.0
#include "engine/block_space.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>

#include "talweg/meter.hpp"

namespace talweg::engine {
namespace {

constexpr std::size_t kSerialElements = 16384;  // up to here waking threads costs more than it saves; same bits either way

/// The tensors that rank `place` of `places` does: largest first, each to who has least to do.
std::vector<std::uint32_t> tensors_of(const math::ParameterLayout& layout, int place, int places) {
  const auto tensors = layout.tensors();
  std::vector<std::uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::uint32_t t) { return tensors[t].size; });
  std::vector<std::size_t> load(static_cast<std::size_t>(places));
  std::vector<std::uint32_t> mine;
  for (const std::uint32_t t : order) {
    const auto least = std::ranges::min_element(load);
    *least += tensors[t].size;
    if (least - load.begin() == place) mine.push_back(t);
  }
  return mine;
}

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
  std::array<Real*, math::kMostArrays> bases{};
  const std::size_t arrays = (source != nullptr ? 1 : 0) + writes.size() + reads.size();
  if (arrays > math::kMostArrays)
    throw std::logic_error("a block kernel takes at most " + std::to_string(math::kMostArrays) + " arrays");
  std::size_t k = source != nullptr ? 1 : 0;
  for (const Vector v : writes) bases[k++] = store_.values(v).data();
  for (const Vector v : reads) bases[k++] = store_.values(v).data();

  const auto blocks = layout_.blocks();
  const auto work = [&](std::size_t i) {
    const std::size_t b = mine_.first + i;
    const math::Block& block = blocks[b];
    alignas(64) std::array<Real, math::ParameterLayout::kBlock> scratch;
    std::array<Real*, math::kMostArrays> at{};
    std::size_t first = 0;
    if (source != nullptr) {
      source->fill(block, {scratch.data(), block.count});
      at[0] = scratch.data();
      first = 1;
    }
    for (std::size_t array = first; array < arrays; ++array) at[array] = bases[array] + block.offset;
    partial_[b] = kernel.run(block, math::Arrays<Real>{{at.data(), arrays}, block.count});
  };
  const std::size_t count = mine_.last - mine_.first;
  if (one_thread_ || elements_of(layout_, mine_).count <= kSerialElements) {
    for (std::size_t b = 0; b < count; ++b) work(b);
  } else {
    threads_.for_each(count, work);
  }
  for (const Vector v : writes) written(v);
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

template <class Real>
void BlockSpace<Real>::for_each_tensor(std::span<const Vector> writes, std::span<const Vector> reads,
                                       const math::BlockKernel& kernel, std::span<const std::span<double>> tables) {
  const Stopwatch watch(seconds_);
  for (const auto& vectors : {writes, reads}) {  // every node does all tensors, so it needs all of each vector
    for (const Vector v : vectors) {
      if (complete_) complete_(v);
    }
  }
  std::vector<std::span<Real>> bases;
  for (const Vector v : writes) bases.push_back(store_.values(v));
  for (const Vector v : reads) bases.push_back(store_.values(v));
  const auto tensors = layout_.tensors();
  const std::vector<std::uint32_t> mine =
      together_ == nullptr ? tensors_of(layout_, 0, 1) : tensors_of(layout_, together_->node().place, together_->node().places);
  threads_.for_each(mine.size(), [&](std::size_t i) {
    const math::Tensor& tensor = tensors[mine[i]];
    std::vector<Real*> at;
    for (const std::span<Real> base : bases) at.push_back(base.data() + tensor.offset);
    const math::Block whole{.index = 0, .tensor = mine[i], .offset = tensor.offset, .count = tensor.size};
    kernel.run(whole, math::Arrays<Real>{at, tensor.size});
  });
  for (const Vector v : writes) store_.touch(v);
  if (together_ == nullptr) return;
  // Each table comes from the rank that did its tensor. And nobody goes on before all have written.
  std::vector<double> all(1);
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const bool done_here = std::ranges::find(mine, t) != mine.end();
    if (done_here) all.insert(all.end(), tables[t].begin(), tables[t].end());
    if (!done_here) all.resize(all.size() + tables[t].size());
  }
  together_->sum(all, comm::Group::node);
  auto from = all.begin() + 1;
  for (const std::span<double> table : tables) {
    std::copy_n(from, table.size(), table.begin());
    from += std::ssize(table);
  }
}

template class BlockSpace<float>;
template class BlockSpace<double>;

}  // namespace talweg::engine
