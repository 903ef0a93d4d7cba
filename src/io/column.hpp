// SPDX-License-Identifier: Apache-2.0
// A trace column that grows cheaply and is written again and again: a chunk that is full is compressed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "talweg/h5/group.hpp"

namespace talweg::io {

class Column {
 public:
  /// int64 or float64.
  explicit Column(h5::Number number) : number_(number) {}

  void append(std::int64_t value);
  void append(double value);  // an int64 column takes whole numbers
  [[nodiscard]] std::size_t size() const { return full_.size() * kChunkRows + tail_.size(); }

  /// The column as data set `name`, gzip and shuffle.
  h5::Dataset write(h5::Group& group, const std::string& name);

  static constexpr std::size_t kChunkRows = 8192;

 private:
  h5::Number number_;
  std::vector<std::vector<std::byte>> full_;  // chunks of kChunkRows, filtered
  std::vector<std::uint64_t> tail_;           // bit patterns of what follows
};

}  // namespace talweg::io
