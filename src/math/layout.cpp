// SPDX-License-Identifier: Apache-2.0
#include "talweg/layout.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

namespace talweg::math {

std::size_t ParameterLayout::add(std::string name, std::vector<std::size_t> shape, bool bias) {
  for (const Tensor& t : tensors_) {
    if (t.name == name) throw std::logic_error("parameter tensor '" + name + "' is declared twice");
  }
  Tensor tensor{.name = std::move(name), .shape = std::move(shape), .offset = extent_, .bias = bias};
  tensor.size = std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::size_t{1}, std::multiplies<>());
  const auto number = static_cast<std::uint32_t>(tensors_.size());

  // A vector has one element per "row"; a matrix keeps whole rows together in a tile.
  const std::size_t row = std::max<std::size_t>(1, tensor.row_size());
  // Multiples of kAlign rows, so that a transposed tile fills whole cache lines.
  const std::size_t fitting = std::max<std::size_t>(1, kTile / row);
  const std::size_t rows_per_tile = fitting > kAlign ? fitting / kAlign * kAlign : fitting;
  for (std::size_t first = 0; tensor.size > 0 && first < tensor.rows(); first += rows_per_tile) {
    const std::size_t rows = std::min(rows_per_tile, tensor.rows() - first);
    Tile tile{.tensor = number,
              .first_row = first,
              .rows = rows,
              .offset = tensor.offset + first * row,
              .count = rows * row,
              .first_block = static_cast<std::uint32_t>(blocks_.size())};
    for (std::size_t at = 0; at < tile.count; at += kBlock) {
      blocks_.push_back({.index = static_cast<std::uint32_t>(blocks_.size()),
                         .tensor = number,
                         .offset = tile.offset + at,
                         .count = std::min(kBlock, tile.count - at)});
    }
    tile.blocks = static_cast<std::uint32_t>(blocks_.size()) - tile.first_block;
    tiles_.push_back(tile);
  }
  parameters_ += tensor.size;
  extent_ += (tensor.size + kAlign - 1) / kAlign * kAlign;
  tensors_.push_back(std::move(tensor));
  return number;
}

const Tensor& ParameterLayout::tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &Tensor::name);
  if (found == tensors_.end()) throw std::logic_error("no parameter tensor '" + std::string(name) + "'");
  return *found;
}

}  // namespace talweg::math
