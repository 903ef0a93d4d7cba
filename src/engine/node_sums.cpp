// SPDX-License-Identifier: Apache-2.0
#include "engine/node_sums.hpp"

#include <array>
#include <limits>

#include "math/prefetch.hpp"

namespace talweg::engine {

template <class Real>
NodeSums<Real>::NodeSums(comm::Communicator& comm, const math::ParameterLayout& layout, const Owners& owners,
                         Reduction reduction)
    : comm_(comm), owners_(owners) {
  if (reduction == Reduction::exact) {
    exact_ = SharedArray<double>(comm, layout.extent());
  } else {
    fast_ = SharedArray<Real>(comm, layout.extent());
  }
}

template <class Real>
math::TileSum<Real> NodeSums<Real>::tile(const math::Tile& tile, std::int32_t exponent, std::uint64_t leaves, bool first,
                                         std::span<Real> scratch) {
  if (!exact()) return {first, fast_.mine().subspan(tile.offset, tile.count), scratch};
  return {math::rounding_constant(exponent, leaves), first, exact_.mine().subspan(tile.offset, tile.count), scratch};
}

template <class Real>
template <class T>
void NodeSums<Real>::add_nodes(const SharedArray<T>& parts) {
  const comm::Node node = comm_.node();
  if (node.nodes == 1 || node.place >= node.slices) return;
  const ElementRange slice = owners_.slice(node.place);
  const auto of = [&](int place) { return parts.part(place).subspan(slice.first, slice.count); };
  const std::span<T> mine = of(node.place);
  for (int place = 0; place < node.places; ++place) {
    if (place == node.place) continue;
    const std::span<const T> other = of(place);
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i] += other[i];
  }
  if (owners_.spreads()) {
    comm_.reduce_scatter(mine, owners_.pieces(node.place));
  } else {
    comm_.sum(mine, comm::Group::across);
  }
}

template <class Real>
void NodeSums<Real>::add_nodes() {
  exact() ? add_nodes(exact_) : add_nodes(fast_);
}

template <class Real>
template <class T, class Out>
void NodeSums<Real>::read(const SharedArray<T>& parts, const math::Block& piece, double scale, Out* out) const {
  const comm::Node node = comm_.node();
  const auto part = [&](int place) {
    const T* from = parts.part(place).data() + piece.offset;
    math::prefetch_ahead(from, piece.count);
    return from;
  };
  const auto scaled = [&](const T* from) {
    for (std::size_t i = 0; i < piece.count; ++i) out[i] = static_cast<Out>(static_cast<double>(from[i]) * scale);
  };
  if (node.nodes > 1) return scaled(part(owners_.slice_with(piece.index)));
  if (node.places == 1) return scaled(part(0));
  alignas(64) std::array<double, kPiece> sum;
  const T* from = part(0);
  for (std::size_t i = 0; i < piece.count; ++i) sum[i] = static_cast<double>(from[i]);
  for (int place = 1; place + 1 < node.places; ++place) {
    from = part(place);
    for (std::size_t i = 0; i < piece.count; ++i) sum[i] += static_cast<double>(from[i]);
  }
  from = part(node.places - 1);
  for (std::size_t i = 0; i < piece.count; ++i) out[i] = static_cast<Out>((sum[i] + static_cast<double>(from[i])) * scale);
}

template <class Real>
template <class Out>
void NodeSums<Real>::read(const math::Block& piece, double scale, Out* out) const {
  exact() ? read(exact_, piece, scale, out) : read(fast_, piece, scale, out);
}

template <class Real>
void NodeSums<Real>::spoil() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (exact()) {
    exact_.mine()[0] = kNan;
  } else {
    fast_.mine()[0] = static_cast<Real>(kNan);
  }
}

template class NodeSums<float>;
template class NodeSums<double>;
template void NodeSums<float>::read(const math::Block&, double, float*) const;
template void NodeSums<float>::read(const math::Block&, double, double*) const;
template void NodeSums<double>::read(const math::Block&, double, double*) const;

}  // namespace talweg::engine
