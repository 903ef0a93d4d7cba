// SPDX-License-Identifier: Apache-2.0
// The sums of a gradient: each rank adds up its leaves in a part of its own, in memory that its node shares; the parts of other
// nodes are added next, and a reader adds up the parts of its node while it reads.
#pragma once

#include <cstdint>

#include "engine/owners.hpp"
#include "engine/shared_array.hpp"
#include "talweg/layout.hpp"
#include "talweg/sums.hpp"

namespace talweg::engine {

enum class Reduction : std::uint8_t { exact, fast };

template <class Real>
class NodeSums {
 public:
  static constexpr std::size_t kPiece = 256;  // elements that stay in the nearest cache through several passes

  /// Collective over the node.
  NodeSums(comm::Communicator& comm, const math::ParameterLayout& layout, const Owners& owners, Reduction reduction);

  /// Where this rank's leaves add up their shares of a tile, on the grid with this exponent of a request of `leaves` leaves.
  /// `first`: it holds nothing yet. `scratch`: see TileSum.
  math::TileSum<Real> tile(const math::Tile& tile, std::int32_t exponent, std::uint64_t leaves, bool first,
                           std::span<Real> scratch);
  /// Collective: adds what the nodes have, where there are several. Afterwards slice k is in the part of the rank with place k:
  /// all of it, or where owners spread what this node owns.
  void add_nodes();
  /// `scale` times the reduced sums of a block's elements, at most kPiece of them, out[count]: after add_nodes() and a
  /// collective of the node.
  template <class Out>
  void read(const math::Block& piece, double scale, Out* out) const;
  /// For tests of what happens then: an element of this rank's sums becomes NaN.
  void spoil();

  [[nodiscard]] bool exact() const { return exact_.size() > 0; }

 private:
  template <class T>
  void add_nodes(const SharedArray<T>& parts);
  template <class T, class Out>
  void read(const SharedArray<T>& parts, const math::Block& piece, double scale, Out* out) const;

  comm::Communicator& comm_;
  const Owners& owners_;
  SharedArray<double> exact_;  // [extent], one of the two
  SharedArray<Real> fast_;     // [extent]
};

}  // namespace talweg::engine
