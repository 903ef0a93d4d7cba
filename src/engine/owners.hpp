// SPDX-License-Identifier: Apache-2.0
// Which rank updates which block of the parameters. Every rank runs the method's step; a rank computes the blocks it owns, and
// the bits are the same whoever owns them. State lies in memory that the ranks of a node share.
//   replicated    every node updates all blocks, each of its ranks a slice of them: no vector ever travels between steps
//   sharded       as replicated on one node; over several nodes each slice is cut once more, a piece for each node (as ZeRO
//                 does). A node receives the sums of its own pieces only and holds of the state only these; a vector that a
//                 request names is first completed on every node
//   coordinator   rank 0 updates all blocks: sharded, with all pieces on the first node
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "talweg/communicator.hpp"
#include "talweg/layout.hpp"

namespace talweg::engine {

enum class Placement : std::uint8_t { coordinator, replicated, sharded };

/// As in the config.
const char* name_of(Placement placement);

/// Blocks [first, last) of a layout.
struct BlockRange {
  std::size_t first = 0;
  std::size_t last = 0;
  [[nodiscard]] std::size_t count() const { return last - first; }
};

/// Elements [first, first + count) of a vector.
struct ElementRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// Slice number k of `slices`: contiguous blocks with about the same number of elements; empty for k >= slices.
BlockRange slice_of(const math::ParameterLayout& layout, int k, int slices);
/// The elements of these blocks, padding between them included.
ElementRange elements_of(const math::ParameterLayout& layout, const BlockRange& range);

class Owners {
 public:
  Owners(const math::ParameterLayout& layout, Placement placement, const comm::Communicator& comm);

  /// The blocks that this rank updates.
  [[nodiscard]] BlockRange mine() const { return mine_; }
  /// The ranks that own all blocks between them: block sums are added over these.
  [[nodiscard]] comm::Group group() const { return spreads_ ? comm::Group::all : comm::Group::node; }
  /// True when a node lacks what the others own: a vector that was written is then complete nowhere, or on one node.
  [[nodiscard]] bool spreads() const { return spreads_; }
  /// True when one rank owns everything.
  [[nodiscard]] bool one_rank() const { return one_rank_; }

  /// Slice k, which the ranks with place k on their nodes exchange; empty for places that some node lacks.
  [[nodiscard]] ElementRange slice(int k) const { return slices_.at(static_cast<std::size_t>(k)).elements; }
  /// The number of the slice that a block is in.
  [[nodiscard]] int slice_with(std::size_t block) const;
  /// The elements of slice k, cut into as many pieces as there are nodes: piece j is node j's.
  [[nodiscard]] const std::vector<std::size_t>& pieces(int k) const { return slices_.at(static_cast<std::size_t>(k)).pieces; }
  /// Elements that this node owns.
  [[nodiscard]] std::size_t elements_of_node() const { return elements_of_node_; }

 private:
  struct Slice {
    BlockRange blocks;
    ElementRange elements;
    std::vector<std::size_t> pieces;  // [nodes]
  };
  std::vector<Slice> slices_;  // [places on this node]
  BlockRange mine_;
  bool spreads_;
  bool one_rank_;
  std::size_t elements_of_node_ = 0;
};

}  // namespace talweg::engine
