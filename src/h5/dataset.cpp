// SPDX-License-Identifier: Apache-2.0
#include "talweg/h5/dataset.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>

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

// zlib cannot shrink anything further, whatever it is fed.
constexpr std::size_t kLargestGzipRatio = 1032;

}  // namespace

std::vector<std::size_t> Dataset::shape() const {
  const Quiet quiet;
  const Handle space(reading(H5Dget_space(handle_.id()), place_, "read the shape"), H5Sclose);
  std::array<hsize_t, H5S_MAX_RANK> extent{};
  const int rank = reading(H5Sget_simple_extent_dims(space.id(), extent.data(), nullptr), place_, "read the shape");
  return {extent.begin(), extent.begin() + rank};
}

std::size_t Dataset::size() const {
  const Quiet quiet;
  const Handle space(reading(H5Dget_space(handle_.id()), place_, "read the shape"), H5Sclose);
  return static_cast<std::size_t>(reading(H5Sget_simple_extent_npoints(space.id()), place_, "read the shape"));
}

Number Dataset::number() const {
  const Quiet quiet;
  const Handle type(reading(H5Dget_type(handle_.id()), place_, "read the type"), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.id());
  const std::size_t bytes = H5Tget_size(type.id());
  if (kind == H5T_INTEGER) return Number::int64;
  if (kind == H5T_FLOAT && bytes == sizeof(float)) return Number::float32;
  if (kind == H5T_FLOAT && bytes == sizeof(double)) return Number::float64;
  base::fail(ExitCode::bad_data, "{}: {}: expected elements of type int64, float32 or float64", place_.file, place_.path);
}

std::size_t Dataset::require_stored(std::size_t element_bytes) const {
  const Handle properties(reading(H5Dget_create_plist(handle_.id()), place_, "read the properties"), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(properties.id());
  if (H5Pget_external_count(properties.id()) != 0 ||
      (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)) {
    base::fail(ExitCode::bad_data, "{}: {}: its data are outside this file, expected them inside", place_.file, place_.path);
  }
  const std::size_t count = size();
  const std::size_t stored = H5Dget_storage_size(handle_.id());
  const std::size_t largest = layout == H5D_CHUNKED ? stored * kLargestGzipRatio : stored;
  if (count > largest / element_bytes) {
    base::fail(ExitCode::bad_data, "{}: {}: {} elements of {} bytes are declared, {} bytes are stored", place_.file,
               place_.path, count, element_bytes, stored);
  }
  return count;
}

template <class T>
void Dataset::write(std::span<const T> values) {
  const Quiet quiet;
  if (values.size() != size()) {
    base::fail(ExitCode::internal, "{}: {}: given {} values for {} elements", place_.file, place_.path, values.size(), size());
  }
  writing(H5Dwrite(handle_.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), place_, "write the data");
}

template <class T>
std::vector<T> Dataset::read() const {
  const Quiet quiet;
  const Handle type(reading(H5Dget_type(handle_.id()), place_, "read the type"), H5Tclose);
  static_cast<void>(number());
  std::vector<T> values(require_stored(H5Tget_size(type.id())));
  reading(H5Dread(handle_.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), place_, "read the data");
  return values;
}

std::vector<std::string> Dataset::read_text() const {
  const Quiet quiet;
  const Handle type(reading(H5Dget_type(handle_.id()), place_, "read the type"), H5Tclose);
  if (!is_text(type.id())) {
    base::fail(ExitCode::bad_data, "{}: {}: expected fixed-length text", place_.file, place_.path);
  }
  const std::size_t length = H5Tget_size(type.id());
  const std::size_t count = require_stored(length);
  std::vector<char> fields(count * length);
  reading(H5Dread(handle_.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, fields.data()), place_, "read the data");
  std::vector<std::string> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) values.push_back(from_field(fields.data() + i * length, length));
  return values;
}

void Dataset::write_fields(std::int64_t type, std::span<const char> fields) {
  const Quiet quiet;
  writing(H5Dwrite(handle_.id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, fields.data()), place_, "write the data");
}

void Dataset::write_chunk(std::size_t row, std::span<const std::byte> filtered) {
  const Quiet quiet;
  const hsize_t offset = row;
  writing(H5Dwrite_chunk(handle_.id(), H5P_DEFAULT, 0, &offset, filtered.size(), filtered.data()), place_, "write a chunk");
}

void Dataset::make_scale(const std::string& name) {
  const Quiet quiet;
  writing(H5DSset_scale(handle_.id(), name.c_str()), place_, "make a dimension scale");
}

void Dataset::attach_scale(const Dataset& scale) {
  const Quiet quiet;
  writing(H5DSattach_scale(handle_.id(), scale.handle_.id(), 0), place_, "attach dimension scale " + scale.place_.path);
}

#define TALWEG_DATASET(T)                              \
  template void Dataset::write<T>(std::span<const T>); \
  template std::vector<T> Dataset::read<T>() const;
TALWEG_DATASET(std::int64_t)
TALWEG_DATASET(float)
TALWEG_DATASET(double)
#undef TALWEG_DATASET

}  // namespace talweg::h5
