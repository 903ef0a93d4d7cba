// SPDX-License-Identifier: Apache-2.0
// Where the update is computed. The bits are the same in each.
//   coordinator   rank 0 runs the method's step and holds its state; the others answer its requests and are sent the points
//   replicated    every rank runs the step, each on its slice of the parameters; the state lies in memory that the ranks of a
//                 node share, once on each node, so that no point is ever sent
//   sharded       replicated on each node, but over nodes the blocks are divided as well (as ZeRO does): a node is sent the
//                 sums of its own blocks only, updates these, and holds of the state only these; a vector that is asked
//                 about is completed on every node first. On one node there is nothing to divide: it is "replicated"
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "talweg/layout.hpp"

namespace talweg::engine {

enum class Placement : std::uint8_t { coordinator, replicated, sharded };

/// As in the config.
inline const char* name_of(Placement placement) {
  switch (placement) {
    case Placement::coordinator:
      return "coordinator";
    case Placement::replicated:
      return "replicated";
    case Placement::sharded:
      break;
  }
  return "sharded";
}

/// Blocks [first, last) of a layout.
struct BlockRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Slice number k of `slices`: contiguous blocks with about the same number of elements; nothing for k >= slices.
inline BlockRange slice_of(const math::ParameterLayout& layout, int k, int slices) {
  const auto blocks = layout.blocks();
  const auto begin = [&](int slice) {
    const std::size_t offset = layout.extent() * static_cast<std::size_t>(slice) / static_cast<std::size_t>(slices);
    return static_cast<std::size_t>(std::ranges::lower_bound(blocks, offset, {}, &math::Block::offset) - blocks.begin());
  };
  if (k >= slices) return {blocks.size(), blocks.size()};
  return {begin(k), k + 1 == slices ? blocks.size() : begin(k + 1)};
}

/// Elements [first, first + count) of a vector.
struct ElementRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// What the blocks cover, padding between them included.
inline ElementRange elements_of(const math::ParameterLayout& layout, const BlockRange& range) {
  if (range.first >= range.last) return {};
  const math::Block& last = layout.blocks()[range.last - 1];
  const std::size_t first = layout.blocks()[range.first].offset;
  return {first, last.offset + last.count - first};
}

/// Slice k of `slices`, cut once more into a slice for each of `nodes`: node j's.
inline BlockRange piece_of(const math::ParameterLayout& layout, int k, int slices, int j, int nodes) {
  if (k >= slices) return slice_of(layout, slices, slices);
  return slice_of(layout, k * nodes + j, slices * nodes);
}

/// The elements of slice k, all of them, counted by the node whose piece they are in.
inline std::vector<std::size_t> pieces_of(const math::ParameterLayout& layout, int k, int slices, int nodes) {
  const auto [first, count] = elements_of(layout, slice_of(layout, k, slices));
  std::vector<std::size_t> pieces(static_cast<std::size_t>(nodes));
  std::size_t done = 0;
  for (int j = 0; j < nodes; ++j) {  // a piece ends where the next one's first block begins
    const std::size_t next = piece_of(layout, k, slices, j, nodes).last;
    const bool more = count > 0 && j + 1 < nodes && next < slice_of(layout, k, slices).last;
    const std::size_t end = more ? layout.blocks()[next].offset - first : count;
    pieces[static_cast<std::size_t>(j)] = end - done;
    done = end;
  }
  return pieces;
}

}  // namespace talweg::engine
