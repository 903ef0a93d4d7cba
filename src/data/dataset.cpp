// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "math/prefetch.hpp"

namespace talweg::data {
namespace {

constexpr std::uintptr_t kAlignment = 64;

bool contiguous(std::span<const std::uint32_t> places) {
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i] != places[0] + i) return false;
  }
  return !places.empty();
}

}  // namespace

template <class Real>
std::size_t Dataset<Real>::bytes() const {
  return dense.size() * sizeof(Real) + row_begin.size() * sizeof(std::uint64_t) + column.size() * sizeof(std::int32_t) +
         value.size() * sizeof(Real) + targets.size() * sizeof(Real) + records.size() * sizeof(std::uint64_t);
}

template <class Real>
const Examples<Real>& Gathered<Real>::gather(const Dataset<Real>& data, std::uint32_t shard,
                                             std::span<const std::uint32_t> places, const std::optional<Draw>& draw) {
  assert(data.owned().contains(shard));
  // The row of a place. The shards that the rank owns are stored one after another.
  const std::uint64_t base = data.plan().begin(shard) - data.plan().begin(data.owned().first);
  const std::size_t features = data.shape().features;
  targets_.resize(places.size());
  records_.resize(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    targets_[i] = data.targets[base + places[i]];
    records_[i] = data.records[base + places[i]];
  }
  view_ = {.count = places.size(),
           .features = features,
           .dense = nullptr,
           .sparse = {},
           .targets = targets_,
           .records = records_,
           .draw = draw};
  if (data.shape().sparse) {
    sparse_.resize(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::uint64_t begin = data.row_begin[base + places[i]];
      sparse_[i] = {data.column.data() + begin, data.value.data() + begin, data.row_begin[base + places[i] + 1] - begin};
      math::prefetch(sparse_[i].column, sparse_[i].count);  // the rows are scattered in memory
      math::prefetch(sparse_[i].value, sparse_[i].count);
    }
    view_.sparse = sparse_;
    return view_;
  }
  // The address of a leaf depends on what else the rank owns. Rows are used in place only if they are aligned as copies are, so
  // that no kernel can sum in another order on another rank.
  if (contiguous(places)) {
    const Real* const there = data.dense.data() + (base + places[0]) * features;
    if (reinterpret_cast<std::uintptr_t>(there) % kAlignment == 0) {
      view_.dense = there;
      return view_;
    }
  }
  dense_.resize(places.size() * features);
  const auto row = [&](std::size_t i) { return data.dense.data() + (base + places[i]) * features; };
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i + 1 < places.size()) math::prefetch(row(i + 1), features);
    std::copy_n(row(i), features, dense_.data() + i * features);
  }
  view_.dense = dense_.data();
  return view_;
}

template class Dataset<float>;
template class Dataset<double>;
template class Gathered<float>;
template class Gathered<double>;

}  // namespace talweg::data
