// SPDX-License-Identifier: Apache-2.0
#include "engine/owners.hpp"

#include <algorithm>
#include <limits>

#include "talweg/error.hpp"

namespace talweg::engine {
namespace {

/// Slice k of `slices`, cut once more into a slice for each of `nodes`: node j's.
BlockRange piece_of(const math::ParameterLayout& layout, int k, int slices, int j, int nodes) {
  return slice_of(layout, k * nodes + j, slices * nodes);
}

/// The elements of slice k, padding included, counted by the node whose piece they are in.
std::vector<std::size_t> pieces_of(const math::ParameterLayout& layout, int k, int slices, int nodes) {
  const BlockRange slice = slice_of(layout, k, slices);
  const auto [first, count] = elements_of(layout, slice);
  std::vector<std::size_t> pieces(static_cast<std::size_t>(nodes));
  std::size_t done = 0;
  for (int j = 0; j < nodes; ++j) {  // a piece ends where the next one's first block begins
    const std::size_t next = piece_of(layout, k, slices, j, nodes).last;
    const bool more = count > 0 && j + 1 < nodes && next < slice.last;
    const std::size_t end = more ? layout.blocks()[next].offset - first : count;
    pieces[static_cast<std::size_t>(j)] = end - done;
    done = end;
  }
  return pieces;
}

void expect_pieces_to_travel(const ElementRange& slice, int slices) {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (slice.count <= kMost) return;
  base::fail(
      base::ExitCode::bad_config,
      "run.placement = \"sharded\": found {} parameters for each of a node's {} ranks, expected at most {} (MPI counts in "
      "int); give every node more ranks",
      slice.count, slices, kMost);
}

}  // namespace

const char* name_of(Placement placement) {
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

BlockRange slice_of(const math::ParameterLayout& layout, int k, int slices) {
  const auto blocks = layout.blocks();
  const auto begin = [&](int slice) {
    const std::size_t offset = layout.extent() * static_cast<std::size_t>(slice) / static_cast<std::size_t>(slices);
    return static_cast<std::size_t>(std::ranges::lower_bound(blocks, offset, {}, &math::Block::offset) - blocks.begin());
  };
  if (k >= slices) return {blocks.size(), blocks.size()};
  return {begin(k), k + 1 == slices ? blocks.size() : begin(k + 1)};
}

ElementRange elements_of(const math::ParameterLayout& layout, const BlockRange& range) {
  if (range.first >= range.last) return {};
  const math::Block& last = layout.blocks()[range.last - 1];
  const std::size_t first = layout.blocks()[range.first].offset;
  return {first, last.offset + last.count - first};
}

Owners::Owners(const math::ParameterLayout& layout, Placement placement, const comm::Communicator& comm)
    : spreads_(placement != Placement::replicated && comm.node().nodes > 1), one_rank_(placement == Placement::coordinator) {
  const comm::Node node = comm.node();
  const auto nodes = static_cast<std::size_t>(node.nodes);
  for (int k = 0; k < node.places; ++k) {
    Slice slice;
    slice.blocks = slice_of(layout, k, node.slices);
    slice.elements = elements_of(layout, slice.blocks);
    if (k >= node.slices || one_rank_) {
      slice.pieces.assign(nodes, 0);
      slice.pieces.front() = slice.elements.count;
    } else {
      slice.pieces = pieces_of(layout, k, node.slices, node.nodes);
    }
    elements_of_node_ += slice.pieces[static_cast<std::size_t>(node.index)];
    slices_.push_back(std::move(slice));
  }
  if (!spreads_) elements_of_node_ = layout.extent();
  if (spreads_ && !one_rank_) expect_pieces_to_travel(slices_.front().elements, node.slices);

  const std::size_t all = layout.blocks().size();
  if (one_rank_) {
    mine_ = comm.coordinator() ? BlockRange{0, all} : BlockRange{all, all};
  } else if (spreads_ && node.place < node.slices) {
    mine_ = piece_of(layout, node.place, node.slices, node.index, node.nodes);
  } else {
    mine_ = slice_of(layout, node.place, node.slices);
  }
}

int Owners::slice_with(std::size_t block) const {
  int k = 0;
  while (block >= slices_[static_cast<std::size_t>(k)].blocks.last) ++k;
  return k;
}

}  // namespace talweg::engine
