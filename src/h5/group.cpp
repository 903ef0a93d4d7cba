// SPDX-License-Identifier: Apache-2.0
#include "h5/group.hpp"

#include <hdf5.h>

#include <algorithm>

#include "h5/call.hpp"

namespace talweg::h5 {
namespace {

using base::ExitCode;

constexpr std::size_t kTextChunkBytes = std::size_t{1} << 20;

hid_t stored_type(Number number) {
  switch (number) {
    case Number::int64:
      return H5T_STD_I64LE;
    case Number::float32:
      return H5T_IEEE_F32LE;
    case Number::float64:
      return H5T_IEEE_F64LE;
  }
  return H5T_IEEE_F64LE;
}

void require_name(const std::string& name, const Location& location) {
  if (name.empty() || name == "." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    base::fail(ExitCode::internal, "{}: {}: '{}' cannot be a name: expected one path component", location.file, location.path,
               name);
  }
}

Handle space_of(std::span<const std::size_t> shape, const Location& location) {
  if (shape.empty()) return {writing(H5Screate(H5S_SCALAR), location, "make a space"), H5Sclose};
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  return {writing(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), location, "make a space"),
          H5Sclose};
}

/// Without time stamps the same content is the same bytes.
Handle dataset_properties(const Location& location) {
  Handle properties(writing(H5Pcreate(H5P_DATASET_CREATE), location, "make properties"), H5Pclose);
  writing(H5Pset_obj_track_times(properties.id(), false), location, "make properties");
  writing(H5Pset_attr_creation_order(properties.id(), kKeepOrder), location, "make properties");
  return properties;
}

void chunk(const Handle& properties, std::size_t rows, const Location& location) {
  const hsize_t extent = rows;
  writing(H5Pset_chunk(properties.id(), 1, &extent), location, "set the chunk size");
  writing(H5Pset_shuffle(properties.id()), location, "set the shuffle filter");
  writing(H5Pset_deflate(properties.id(), kGzipLevel), location, "set the gzip filter");
}

Dataset create(std::int64_t group, const std::string& name, hid_t type, const Handle& space, const Handle& properties,
               const Location& location) {
  return {Handle(writing(H5Dcreate2(group, name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT), location,
                         "create a data set"),
                 H5Dclose),
          location};
}

herr_t add_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

std::vector<std::string> Group::names() const {
  const Quiet quiet;
  std::vector<std::string> all;
  hsize_t position = 0;
  // Groups made by other programs may not track the order of creation.
  if (H5Literate(handle_.id(), H5_INDEX_CRT_ORDER, H5_ITER_INC, &position, add_name, &all) < 0) {
    all.clear();
    position = 0;
    reading(H5Literate(handle_.id(), H5_INDEX_NAME, H5_ITER_INC, &position, add_name, &all), location_, "list the members");
  }
  return all;
}

bool Group::has(const std::string& name) const {
  const Quiet quiet;
  return reading(H5Lexists(handle_.id(), name.c_str(), H5P_DEFAULT), location_, "look for '" + name + "'") > 0;
}

void Group::require_hard_link(const std::string& name) const {
  const Location location = location_.child(name);
  if (!has(name)) base::fail(ExitCode::bad_data, "{}: {} is missing", location.file, location.path);
  H5L_info_t link{};
  reading(H5Lget_info(handle_.id(), name.c_str(), &link, H5P_DEFAULT), location, "read the link");
  if (link.type != H5L_TYPE_HARD) {
    base::fail(ExitCode::bad_data, "{}: {}: found a soft or external link, expected the object itself", location.file,
               location.path);
  }
}

Group Group::create_group(const std::string& name) {
  const Quiet quiet;
  require_name(name, location_);
  const Location location = location_.child(name);
  const Handle properties(writing(H5Pcreate(H5P_GROUP_CREATE), location, "make properties"), H5Pclose);
  writing(H5Pset_obj_track_times(properties.id(), false), location, "make properties");
  writing(H5Pset_link_creation_order(properties.id(), kKeepOrder), location, "make properties");
  writing(H5Pset_attr_creation_order(properties.id(), kKeepOrder), location, "make properties");
  return {Handle(writing(H5Gcreate2(handle_.id(), name.c_str(), H5P_DEFAULT, properties.id(), H5P_DEFAULT), location,
                         "create a group"),
                 H5Gclose),
          location};
}

Group Group::group(const std::string& name) const {
  const Quiet quiet;
  require_hard_link(name);
  const Location location = location_.child(name);
  return {Handle(reading(H5Gopen2(handle_.id(), name.c_str(), H5P_DEFAULT), location, "open the group"), H5Gclose), location};
}

Dataset Group::create_dataset(const std::string& name, Number number, std::span<const std::size_t> shape) {
  const Quiet quiet;
  require_name(name, location_);
  const Location location = location_.child(name);
  const Handle properties = dataset_properties(location);
  writing(H5Pset_fill_time(properties.id(), H5D_FILL_TIME_NEVER), location, "make properties");
  return create(handle_.id(), name, stored_type(number), space_of(shape, location), properties, location);
}

Dataset Group::create_chunked(const std::string& name, Number number, std::size_t rows, std::size_t chunk_rows) {
  const Quiet quiet;
  require_name(name, location_);
  const Location location = location_.child(name);
  const Handle properties = dataset_properties(location);
  if (rows > 0) chunk(properties, chunk_rows, location);
  return create(handle_.id(), name, stored_type(number), space_of({&rows, 1}, location), properties, location);
}

Dataset Group::create_text(const std::string& name, std::size_t rows, std::size_t length) {
  const Quiet quiet;
  require_name(name, location_);
  const Location location = location_.child(name);
  length = std::max<std::size_t>(length, 1);
  const Handle type = text_type(length, location);
  const Handle properties = dataset_properties(location);
  if (rows > 0) chunk(properties, std::clamp<std::size_t>(kTextChunkBytes / length, 1, rows), location);
  return create(handle_.id(), name, type.id(), space_of({&rows, 1}, location), properties, location);
}

Dataset Group::create_text(const std::string& name, std::span<const std::string> values) {
  std::size_t length = 1;
  for (const std::string& value : values) length = std::max(length, value.size());
  Dataset dataset = create_text(name, values.size(), length);
  dataset.write_text(0, values);
  return dataset;
}

Dataset Group::dataset(const std::string& name) const {
  const Quiet quiet;
  require_hard_link(name);
  const Location location = location_.child(name);
  return {Handle(reading(H5Dopen2(handle_.id(), name.c_str(), H5P_DEFAULT), location, "open the data set"), H5Dclose),
          location};
}

}  // namespace talweg::h5
