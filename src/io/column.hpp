// SPDX-License-Identifier: Apache-2.0
// A trace column on its way into a file: rows come in order, and a chunk leaves memory when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "h5/group.hpp"

namespace talweg::io {

class Column {
 public:
  /// Creates data set `name` of `rows` rows, gzip and shuffle; int64 or float64.
  Column(h5::Group& group, const std::string& name, h5::Number number, std::size_t rows);

  [[nodiscard]] h5::Dataset& dataset() { return dataset_; }
  void append(std::int64_t value);
  void append(double value);  // an int64 column accepts whole numbers only
  /// Starts with the first `rows` rows of a column of another file. Full chunks are copied without decompressing them; with
  /// `check` they are decompressed first, and a damaged one is an Error(bad_data). `between` is called after each.
  void copy(const h5::Dataset& from, std::size_t rows, bool check, const std::function<void()>& between);
  /// After the last row.
  void finish();

  static constexpr std::size_t kChunkRows = 8192;

 private:
  void write_full();

  h5::Number number_;
  std::size_t chunk_rows_;
  h5::Dataset dataset_;
  std::size_t written_ = 0;          // rows
  std::vector<std::uint64_t> tail_;  // bit patterns of what follows, less than a chunk
};

/// The same for text.
class TextColumn {
 public:
  TextColumn(h5::Group& group, const std::string& name, std::size_t rows, std::size_t length)
      : dataset_(group.create_text(name, rows, length)), chunk_rows_(dataset_.chunk_rows()) {}

  [[nodiscard]] h5::Dataset& dataset() { return dataset_; }
  void append(std::string value);
  void finish();

 private:
  h5::Dataset dataset_;
  std::size_t chunk_rows_;
  std::size_t written_ = 0;
  std::vector<std::string> tail_;
};

}  // namespace talweg::io
