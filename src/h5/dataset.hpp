// SPDX-License-Identifier: Apache-2.0
// Data sets of numbers or fixed-length text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "h5/attributes.hpp"
#include "h5/handle.hpp"

namespace talweg::h5 {

/// Element types that are stored, little-endian in the file.
enum class Number { int64, float32, float64 };

class Dataset {
 public:
  Dataset(Handle handle, Location location) : handle_(std::move(handle)), location_(std::move(location)) {}

  [[nodiscard]] Attributes attributes() const& { return {handle_.id(), location_}; }
  Attributes attributes() const&& = delete;  // Attributes is a view
  [[nodiscard]] std::vector<std::size_t> shape() const;
  [[nodiscard]] std::size_t size() const;  // elements
  /// Error(bad_data) if the elements have another type.
  [[nodiscard]] Number number() const;

  /// All elements, C order. T is std::int64_t, float or double; HDF5 converts. Sizes that differ are an Error(internal).
  template <class T>
  void write(std::span<const T> values);
  /// Refuses data kept in other files, virtual data sets, and shapes too large for what is stored: Error(bad_data).
  template <class T>
  [[nodiscard]] std::vector<T> read() const;
  [[nodiscard]] std::vector<std::string> read_text() const;

  // Parts of a data set with one axis. Rows that it does not have are an Error(internal).
  template <class T>
  void read_rows(std::size_t first, std::span<T> to) const;
  [[nodiscard]] std::vector<std::string> read_text(std::size_t first, std::size_t rows) const;
  /// Text that is longer than the fields is an Error(internal).
  void write_text(std::size_t first, std::span<const std::string> values);
  /// Rows of a chunk; 0 if the data set has none, or more than one axis.
  [[nodiscard]] std::size_t chunk_rows() const;
  /// The chunk that begins at row `row`, still as its filters left it; nothing if these are not shuffle and gzip.
  [[nodiscard]] std::optional<std::vector<std::byte>> read_chunk(std::size_t row) const;
  /// A chunk that begins at row `row`, already through the data set's filters.
  void write_chunk(std::size_t row, std::span<const std::byte> filtered);

  /// HDF5 dimension scales (H5DS), from which netCDF-4 readers and xarray know coordinates.
  void make_scale(const std::string& name);
  void attach_scale(const Dataset& scale);  // to the first axis

 private:
  /// Throws unless all elements are in this file; returns their number.
  std::size_t require_stored(std::size_t element_bytes) const;

  Handle handle_;
  Location location_;
};

}  // namespace talweg::h5
