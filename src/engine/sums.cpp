// SPDX-License-Identifier: Apache-2.0
// The sums that the ranks of a node have: added and sent to other nodes, and read a piece at a time.
#include <array>

#include "engine/engine.hpp"
#include "math/prefetch.hpp"

namespace talweg::engine {

template <class Real>
template <class T>
void Engine<Real>::sum_nodes(const SharedArray<T>& parts) {
  const comm::Node node = comm_.node();
  if (node.nodes == 1 || node.place >= node.slices) return;
  const std::span<T> mine = slice(parts.mine(), node.place);
  for (int place = 0; place < node.places; ++place) {
    if (place == node.place) continue;
    const std::span<const T> other = slice(parts.part(place), node.place);
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i] += other[i];
  }
  if (sharded() && stepping_) {
    comm_.reduce_scatter(mine, pieces_);
  } else {
    comm_.sum(mine, comm::Group::across);
  }
}

template <class Real>
template <class T>
std::span<T> Engine<Real>::slice(std::span<T> whole, int k) const {
  const math::ParameterLayout& layout = problem_.objective->layout();
  const ElementRange elements = elements_of(layout, slice_of(layout, k, comm_.node().slices));
  return whole.subspan(elements.first, elements.count);
}

template <class Real>
template <class T, class Out>
void Engine<Real>::summed(const SharedArray<T>& parts, const math::Block& piece, double scale, Out* out) const {
  const comm::Node node = comm_.node();
  const auto part = [&](int place) {
    const T* from = parts.part(place).data() + piece.offset;
    math::prefetch_ahead(from, piece.count);
    return from;
  };
  const auto scaled = [&](const T* from) {
    for (std::size_t i = 0; i < piece.count; ++i) out[i] = static_cast<Out>(static_cast<double>(from[i]) * scale);
  };
  if (node.nodes > 1) {  // slice k is in part k
    int k = 0;
    while (piece.index >= slice_of(problem_.objective->layout(), k, node.slices).last) ++k;
    return scaled(part(k));
  }
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
void Engine<Real>::summed(const math::Block& piece, double scale, Out* out) const {
  options_.reduction == Reduction::exact ? summed(sums_, piece, scale, out) : summed(fast_, piece, scale, out);
}

template void Engine<float>::sum_nodes(const SharedArray<double>&);
template void Engine<float>::sum_nodes(const SharedArray<float>&);
template void Engine<double>::sum_nodes(const SharedArray<double>&);
template void Engine<float>::summed(const math::Block&, double, float*) const;
template void Engine<float>::summed(const math::Block&, double, double*) const;
template void Engine<double>::summed(const math::Block&, double, double*) const;

}  // namespace talweg::engine
