// SPDX-License-Identifier: Apache-2.0
#include "h5/dataset.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>

#include "h5/call.hpp"

namespace talweg::h5 {
namespace {

using base::ExitCode;

template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
}

// The largest factor by which zlib can shrink anything.
constexpr std::size_t kLargestGzipRatio = 1032;

/// Rows of a data set with one axis, in the file and in memory.
struct Rows {
  Rows(const Handle& dataset, std::size_t first, std::size_t count, const Location& location)
      : file(reading(H5Dget_space(dataset.id()), location, "read the shape"), H5Sclose) {
    const hsize_t begin = first, rows = count;
    const hssize_t there = H5Sget_simple_extent_npoints(file.id());
    if (H5Sget_simple_extent_ndims(file.id()) != 1 || there < 0 || begin + rows > static_cast<hsize_t>(there)) {
      base::fail(ExitCode::internal, "{}: {}: asked for rows {} to {} of {}", location.file, location.path, begin, begin + rows,
                 there);
    }
    writing(H5Sselect_hyperslab(file.id(), H5S_SELECT_SET, &begin, nullptr, &rows, nullptr), location, "select rows");
    memory = Handle(writing(H5Screate_simple(1, &rows, nullptr), location, "make a space"), H5Sclose);
  }
  Handle file, memory;
};

}  // namespace

std::vector<std::size_t> Dataset::shape() const {
  const Quiet quiet;
  const Handle space(reading(H5Dget_space(handle_.id()), location_, "read the shape"), H5Sclose);
  std::array<hsize_t, H5S_MAX_RANK> extent{};
  const int rank = reading(H5Sget_simple_extent_dims(space.id(), extent.data(), nullptr), location_, "read the shape");
  return {extent.begin(), extent.begin() + rank};
}

std::size_t Dataset::size() const {
  const Quiet quiet;
  const Handle space(reading(H5Dget_space(handle_.id()), location_, "read the shape"), H5Sclose);
  return static_cast<std::size_t>(reading(H5Sget_simple_extent_npoints(space.id()), location_, "read the shape"));
}

Number Dataset::number() const {
  const Quiet quiet;
  const Handle type(reading(H5Dget_type(handle_.id()), location_, "read the type"), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.id());
  const std::size_t bytes = H5Tget_size(type.id());
  if (kind == H5T_INTEGER) return Number::int64;
  if (kind == H5T_FLOAT && bytes == sizeof(float)) return Number::float32;
  if (kind == H5T_FLOAT && bytes == sizeof(double)) return Number::float64;
  base::fail(ExitCode::bad_data, "{}: {}: expected elements of type int64, float32 or float64", location_.file, location_.path);
}

std::size_t Dataset::require_stored(std::size_t element_bytes) const {
  const Handle properties(reading(H5Dget_create_plist(handle_.id()), location_, "read the properties"), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(properties.id());
  if (H5Pget_external_count(properties.id()) != 0 ||
      (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)) {
    base::fail(ExitCode::bad_data, "{}: {}: its data are outside this file, expected them inside", location_.file,
               location_.path);
  }
  const std::size_t count = size();
  const std::size_t stored = H5Dget_storage_size(handle_.id());
  const std::size_t largest = layout == H5D_CHUNKED ? stored * kLargestGzipRatio : stored;
  if (count > largest / element_bytes) {
    base::fail(ExitCode::bad_data, "{}: {}: {} elements of {} bytes are declared, {} bytes are stored", location_.file,
               location_.path, count, element_bytes, stored);
  }
  return count;
}

template <class T>
void Dataset::write(std::span<const T> values) {
  const Quiet quiet;
  if (values.size() != size()) {
    base::fail(ExitCode::internal, "{}: {}: given {} values for {} elements", location_.file, location_.path, values.size(),
               size());
  }
  writing(H5Dwrite(handle_.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), location_, "write the data");
}

template <class T>
std::vector<T> Dataset::read() const {
  const Quiet quiet;
  const Handle type(reading(H5Dget_type(handle_.id()), location_, "read the type"), H5Tclose);
  static_cast<void>(number());
  std::vector<T> values(require_stored(H5Tget_size(type.id())));
  reading(H5Dread(handle_.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), location_, "read the data");
  return values;
}

std::vector<std::string> Dataset::read_text() const { return read_text(0, size()); }

template <class T>
void Dataset::read_rows(std::size_t first, std::span<T> to) const {
  const Quiet quiet;
  static_cast<void>(number());
  if (to.empty()) return;
  const Handle type(reading(H5Dget_type(handle_.id()), location_, "read the type"), H5Tclose);
  static_cast<void>(require_stored(H5Tget_size(type.id())));
  const Rows rows(handle_, first, to.size(), location_);
  reading(H5Dread(handle_.id(), native_type<T>(), rows.memory.id(), rows.file.id(), H5P_DEFAULT, to.data()), location_,
          "read the data");
}

std::vector<std::string> Dataset::read_text(std::size_t first, std::size_t rows) const {
  const Quiet quiet;
  const Handle type(reading(H5Dget_type(handle_.id()), location_, "read the type"), H5Tclose);
  if (!is_text(type.id())) {
    base::fail(ExitCode::bad_data, "{}: {}: expected fixed-length text", location_.file, location_.path);
  }
  const std::size_t length = H5Tget_size(type.id());
  static_cast<void>(require_stored(length));
  std::vector<std::string> values;
  if (rows == 0) return values;
  const Rows selected(handle_, first, rows, location_);
  std::vector<char> fields(rows * length);
  reading(H5Dread(handle_.id(), type.id(), selected.memory.id(), selected.file.id(), H5P_DEFAULT, fields.data()), location_,
          "read the data");
  values.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) values.push_back(from_field(fields.data() + i * length, length));
  return values;
}

void Dataset::write_text(std::size_t first, std::span<const std::string> values) {
  const Quiet quiet;
  if (values.empty()) return;
  const Handle type(writing(H5Dget_type(handle_.id()), location_, "read the type"), H5Tclose);
  const std::size_t length = H5Tget_size(type.id());
  std::vector<char> fields(values.size() * length);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].size() > length) {
      base::fail(ExitCode::internal, "{}: {}: given text of {} bytes for fields of {}", location_.file, location_.path,
                 values[i].size(), length);
    }
    std::ranges::copy(values[i], fields.begin() + static_cast<std::ptrdiff_t>(i * length));
  }
  const Rows rows(handle_, first, values.size(), location_);
  writing(H5Dwrite(handle_.id(), type.id(), rows.memory.id(), rows.file.id(), H5P_DEFAULT, fields.data()), location_,
          "write the data");
}

std::size_t Dataset::chunk_rows() const {
  const Quiet quiet;
  const Handle properties(reading(H5Dget_create_plist(handle_.id()), location_, "read the properties"), H5Pclose);
  hsize_t rows = 0;
  const bool chunked = H5Pget_layout(properties.id()) == H5D_CHUNKED && H5Pget_chunk(properties.id(), 1, &rows) == 1;
  return chunked ? rows : 0;
}

std::optional<std::vector<std::byte>> Dataset::read_chunk(std::size_t row) const {
  const Quiet quiet;
  const Handle properties(reading(H5Dget_create_plist(handle_.id()), location_, "read the properties"), H5Pclose);
  const auto filter = [&](unsigned i) {
    unsigned flags = 0, config = 0;
    std::size_t parameters = 0;
    return H5Pget_filter2(properties.id(), i, &flags, &parameters, nullptr, 0, nullptr, &config);
  };
  if (H5Pget_nfilters(properties.id()) != 2 || filter(0) != H5Z_FILTER_SHUFFLE || filter(1) != H5Z_FILTER_DEFLATE) return {};
  const hsize_t offset = row;
  hsize_t bytes = 0;
  reading(H5Dget_chunk_storage_size(handle_.id(), &offset, &bytes), location_, "read a chunk");
  std::vector<std::byte> filtered(bytes);
  std::uint32_t skipped = 0;  // filters that were not applied
  reading(H5Dread_chunk(handle_.id(), H5P_DEFAULT, &offset, &skipped, filtered.data()), location_, "read a chunk");
  if (skipped != 0) return {};
  return filtered;
}

void Dataset::write_chunk(std::size_t row, std::span<const std::byte> filtered) {
  const Quiet quiet;
  const hsize_t offset = row;
  writing(H5Dwrite_chunk(handle_.id(), H5P_DEFAULT, 0, &offset, filtered.size(), filtered.data()), location_, "write a chunk");
}

void Dataset::make_scale(const std::string& name) {
  const Quiet quiet;
  writing(H5DSset_scale(handle_.id(), name.c_str()), location_, "make a dimension scale");
}

void Dataset::attach_scale(const Dataset& scale) {
  const Quiet quiet;
  writing(H5DSattach_scale(handle_.id(), scale.handle_.id(), 0), location_, "attach dimension scale " + scale.location_.path);
}

#define TALWEG_DATASET(T)                                               \
  template void Dataset::write<T>(std::span<const T>);                  \
  template void Dataset::read_rows<T>(std::size_t, std::span<T>) const; \
  template std::vector<T> Dataset::read<T>() const;
TALWEG_DATASET(std::int64_t)
TALWEG_DATASET(float)
TALWEG_DATASET(double)
#undef TALWEG_DATASET

}  // namespace talweg::h5
