// SPDX-License-Identifier: Apache-2.0
#include "engine/block_space.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>

#include "base/stopwatch.hpp"

namespace talweg::engine {
namespace {

constexpr std::size_t kSerialElements = 16384;  // up to here waking threads costs more than it saves; same bits either way

/// The tensors that rank `place` of `places` does: they are dealt out largest first, each to the rank with the least to do.
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
  const base::Stopwatch watch(seconds_);
  return run(nullptr, writes, reads, kernel);
}

template <class Real>
void BlockSpace<Real>::settle() {
  if (!unsettled_ || comm_.node().places == 1) return;
  std::array<double, 1> done = {};
  comm_.sum(done, comm::Group::node);
  unsettled_ = false;
}

template <class Real>
math::Sums BlockSpace<Real>::run(const Source* source, std::span<const Vector> writes, std::span<const Vector> reads,
                                 const math::BlockKernel& kernel) {
  std::array<Real*, math::kMostArrays> bases{};
  const std::size_t arrays = (source != nullptr ? 1 : 0) + writes.size() + reads.size();
  if (arrays > math::kMostArrays)
    throw std::logic_error("a block kernel takes at most " + std::to_string(math::kMostArrays) + " arrays");
  std::size_t k = source != nullptr ? 1 : 0;
  for (const Vector v : writes) bases[k++] = store_.values(v).data();
  for (const Vector v : reads) bases[k++] = store_.values(v).data();

  const auto blocks = layout_.blocks();
  const BlockRange mine = owners_.mine();
  const auto work = [&](std::size_t i) {
    const std::size_t b = mine.first + i;
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
  if (one_thread_ || elements_of(layout_, mine).count <= kSerialElements) {
    for (std::size_t b = 0; b < mine.count(); ++b) work(b);
  } else {
    threads_.for_each(mine.count(), work);
  }
  for (const Vector v : writes) written(v);
  if (!kernel.sums()) {
    // The parts of the sums that `source` reads must not be overwritten by the next request, either.
    unsettled_ = unsettled_ || !writes.empty() || source != nullptr;
    return {};
  }
  unsettled_ = false;  // by the sum that follows
  if (comm_.size() > 1) {
    // Each block's sums come from one rank, zeros from the others: exact.
    std::fill_n(partial_.begin(), mine.first, math::Sums{});
    std::fill(partial_.begin() + static_cast<std::ptrdiff_t>(mine.last), partial_.end(), math::Sums{});
    comm_.sum(std::span(partial_.front().data(), partial_.size() * std::tuple_size_v<math::Sums>), owners_.group());
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
  const base::Stopwatch watch(seconds_);
  // Every node does all tensors and so needs all of each vector, unless one rank owns everything and does them alone.
  if (!owners_.one_rank()) {
    for (const auto& vectors : {writes, reads}) {
      for (const Vector v : vectors) complete_(v);
    }
    settle();
  }
  std::vector<std::span<Real>> bases;
  for (const Vector v : writes) bases.push_back(store_.values(v));
  for (const Vector v : reads) bases.push_back(store_.values(v));
  const auto tensors = layout_.tensors();
  std::vector<std::uint32_t> mine;
  if (!owners_.one_rank()) {
    mine = tensors_of(layout_, comm_.node().place, comm_.node().places);
  } else if (comm_.coordinator()) {
    mine = tensors_of(layout_, 0, 1);
  }
  threads_.for_each(mine.size(), [&](std::size_t i) {
    const math::Tensor& tensor = tensors[mine[i]];
    std::vector<Real*> at;
    for (const std::span<Real> base : bases) at.push_back(base.data() + tensor.offset);
    const math::Block whole{.index = 0, .tensor = mine[i], .offset = tensor.offset, .count = tensor.size};
    kernel.run(whole, math::Arrays<Real>{at, tensor.size});
  });
  for (const Vector v : writes) owners_.one_rank() ? written(v) : store_.touch(v);
  if (comm_.size() == 1) return;
  // Each table comes from the rank that did its tensor. This also waits until all have written.
  std::vector<double> all(1);
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const bool done_here = std::ranges::find(mine, t) != mine.end();
    if (done_here) all.insert(all.end(), tables[t].begin(), tables[t].end());
    if (!done_here) all.resize(all.size() + tables[t].size());
  }
  comm_.sum(all, owners_.one_rank() ? owners_.group() : comm::Group::node);
  unsettled_ = false;
  auto from = all.begin() + 1;
  for (const std::span<double> table : tables) {
    std::copy_n(from, table.size(), table.begin());
    from += std::ssize(table);
  }
}

template class BlockSpace<float>;
template class BlockSpace<double>;

}  // namespace talweg::engine
