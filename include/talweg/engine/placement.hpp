// SPDX-License-Identifier: Apache-2.0
// Where the update is computed. The bits are the same in each.
//   coordinator   rank 0 runs the method's step and holds its state; the others answer its requests and are sent the points
//   replicated    every rank runs the step, each on its slice of the parameters; the state lies in memory that the ranks of a
//                 node share, once on each node, so that no point is ever sent
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "talweg/math/layout.hpp"

namespace talweg::engine {

enum class Placement : std::uint8_t { coordinator, replicated };

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

}  // namespace talweg::engine
