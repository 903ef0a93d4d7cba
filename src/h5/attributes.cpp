// SPDX-License-Identifier: Apache-2.0
#include "h5/attributes.hpp"

#include <hdf5.h>

#include "h5/call.hpp"

namespace talweg::h5 {
namespace {

using base::ExitCode;

void write_scalar(std::int64_t object, const Location& location, const std::string& name, hid_t stored, hid_t memory,
                  const void* value) {
  const Handle space(writing(H5Screate(H5S_SCALAR), location, "make a scalar space"), H5Sclose);
  const std::string action = "write attribute '" + name + "'";
  const Handle attribute(
      writing(H5Acreate2(object, name.c_str(), stored, space.id(), H5P_DEFAULT, H5P_DEFAULT), location, action), H5Aclose);
  writing(H5Awrite(attribute.id(), memory, value), location, action);
}

herr_t add_name(hid_t, const char* name, const H5A_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

void Attributes::set(const std::string& name, const AttributeValue& value) {
  const Quiet quiet;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    write_scalar(object_, location_, name, H5T_STD_I64LE, H5T_NATIVE_INT64, integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    write_scalar(object_, location_, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, number);
  } else {
    const auto& text = std::get<std::string>(value);
    const Handle type = text_type(text.size(), location_);
    write_scalar(object_, location_, name, type.id(), type.id(), text.c_str());
  }
}

std::vector<std::string> Attributes::names() const {
  const Quiet quiet;
  std::vector<std::string> all;
  hsize_t position = 0;
  // Objects made by other programs may not track the order of creation.
  if (H5Aiterate2(object_, H5_INDEX_CRT_ORDER, H5_ITER_INC, &position, add_name, &all) < 0) {
    all.clear();
    position = 0;
    reading(H5Aiterate2(object_, H5_INDEX_NAME, H5_ITER_INC, &position, add_name, &all), location_, "list the attributes");
  }
  return all;
}

bool Attributes::has(const std::string& name) const {
  const Quiet quiet;
  return reading(H5Aexists(object_, name.c_str()), location_, "look for attribute '" + name + "'") > 0;
}

AttributeValue Attributes::get(const std::string& name) const {
  const Quiet quiet;
  const std::string action = "read attribute '" + name + "'";
  if (!has(name)) base::fail(ExitCode::bad_data, "{}: {}: attribute '{}' is missing", location_.file, location_.path, name);
  const Handle attribute(reading(H5Aopen(object_, name.c_str(), H5P_DEFAULT), location_, action), H5Aclose);
  const Handle space(reading(H5Aget_space(attribute.id()), location_, action), H5Sclose);
  const Handle type(reading(H5Aget_type(attribute.id()), location_, action), H5Tclose);
  const bool scalar = H5Sget_simple_extent_npoints(space.id()) == 1;
  const H5T_class_t kind = H5Tget_class(type.id());
  if (scalar && kind == H5T_INTEGER) {
    std::int64_t value = 0;
    reading(H5Aread(attribute.id(), H5T_NATIVE_INT64, &value), location_, action);
    return value;
  }
  if (scalar && kind == H5T_FLOAT) {
    double value = 0;
    reading(H5Aread(attribute.id(), H5T_NATIVE_DOUBLE, &value), location_, action);
    return value;
  }
  if (scalar && is_text(type.id())) {
    const std::size_t length = H5Tget_size(type.id());
    std::string field(length, '\0');
    reading(H5Aread(attribute.id(), type.id(), field.data()), location_, action);
    return from_field(field.data(), length);
  }
  base::fail(ExitCode::bad_data, "{}: {}: attribute '{}': expected one integer, number or fixed-length text", location_.file,
             location_.path, name);
}

std::int64_t Attributes::integer(const std::string& name) const {
  const AttributeValue value = get(name);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  base::fail(ExitCode::bad_data, "{}: {}: attribute '{}': expected an integer", location_.file, location_.path, name);
}

double Attributes::number(const std::string& name) const {
  const AttributeValue value = get(name);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  base::fail(ExitCode::bad_data, "{}: {}: attribute '{}': found text, expected a number", location_.file, location_.path, name);
}

std::string Attributes::text(const std::string& name) const {
  AttributeValue value = get(name);
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  base::fail(ExitCode::bad_data, "{}: {}: attribute '{}': found a number, expected text", location_.file, location_.path, name);
}

}  // namespace talweg::h5
