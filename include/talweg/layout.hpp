// SPDX-License-Identifier: Apache-2.0
// Named tensors as ranges of one vector of parameters, and how that vector is cut.
//   block: at most 4096 elements of one tensor; sums over parameters add block sums in block order, so their bits do not
//          depend on which rank computed which block.
//   tile:  whole rows of one tensor, at most about 32768 elements: the unit of phase two of a gradient. Blocks divide tiles.
// Tensors start at multiples of 16 elements; the padding between them is always zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::math {

struct Tensor {
  std::string name;                // "layers.0.weight"
  std::vector<std::size_t> shape;  // [out, in], [out], ...
  std::size_t offset = 0;          // first element in the parameter vector
  std::size_t size = 0;            // elements
  bool bias = false;               // left out of Omega unless include_bias
  [[nodiscard]] std::size_t rows() const { return shape.empty() ? 1 : shape.front(); }
  [[nodiscard]] std::size_t row_size() const { return rows() == 0 ? 0 : size / rows(); }
};

/// Elements [offset, offset + count) of the parameter vector, all of tensor number `tensor`.
struct Block {
  std::uint32_t index = 0;  // position in ParameterLayout::blocks()
  std::uint32_t tensor = 0;
  std::size_t offset = 0;
  std::size_t count = 0;
};

/// Rows [first_row, first_row + rows) of tensor number `tensor`; the blocks [first_block, first_block + blocks) divide it.
struct Tile {
  std::uint32_t tensor = 0;
  std::size_t first_row = 0;
  std::size_t rows = 0;
  std::size_t offset = 0;  // in the parameter vector
  std::size_t count = 0;   // elements
  std::uint32_t first_block = 0;
  std::uint32_t blocks = 0;
};

class ParameterLayout {
 public:
  static constexpr std::size_t kBlock = 4096;
  static constexpr std::size_t kTile = 32768;
  static constexpr std::size_t kAlign = 16;

  /// Appends a tensor; names are unique. Returns its number.
  std::size_t add(std::string name, std::vector<std::size_t> shape, bool bias = false);

  [[nodiscard]] std::span<const Tensor> tensors() const { return tensors_; }
  [[nodiscard]] const Tensor& tensor(std::string_view name) const;
  /// Length of the parameter vector, padding included: every vector of this layout has it.
  [[nodiscard]] std::size_t extent() const { return extent_; }
  /// Number of parameters, padding not counted.
  [[nodiscard]] std::size_t parameters() const { return parameters_; }
  [[nodiscard]] std::span<const Block> blocks() const { return blocks_; }
  [[nodiscard]] std::span<const Tile> tiles() const { return tiles_; }

 private:
  std::vector<Tensor> tensors_;
  std::vector<Block> blocks_;
  std::vector<Tile> tiles_;
  std::size_t extent_ = 0;
  std::size_t parameters_ = 0;
};

}  // namespace talweg::math
