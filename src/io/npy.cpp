// SPDX-License-Identifier: Apache-2.0
#include "io/npy.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/npy_header.hpp"
#include "io/little_endian.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kAlignment = 64;

template <class Real>
std::vector<Real> elements_of(std::span<const std::byte> bytes, const std::vector<std::size_t>& shape,
                              const std::string& where) {
  const std::size_t count = bytes.size() / sizeof(Real);
  std::size_t product = std::ranges::find(shape, 0U) == shape.end() ? 1 : 0;
  for (const std::size_t extent : shape) {
    if (product == 0 || product > count) break;  // so that malicious extents cannot overflow
    product *= std::min(extent, count + 1);
  }
  if (product != count || bytes.size() != count * sizeof(Real)) {
    base::fail(ExitCode::bad_data, "{}: found {} bytes of elements, expected shape ({}) of {} bytes each", where, bytes.size(),
               fmt::join(shape, ", "), sizeof(Real));
  }
  std::vector<Real> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

std::vector<std::byte> to_npy(const StoredTensor& tensor) {
  std::string shape;
  for (const std::size_t extent : tensor.shape) shape += std::to_string(extent) + (tensor.shape.size() == 1 ? "," : ", ");
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  const bool single = std::holds_alternative<std::vector<float>>(tensor.values);
  std::string header = fmt::format("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({}), }}", single ? 4 : 8, shape);
  // Version 1.0 has 2 bytes for the header's length; 32 axes of 20 digits stay far below.
  constexpr std::size_t kFixed = 10;
  header.append(kAlignment - 1 - (kFixed + header.size()) % kAlignment, ' ') += '\n';
  const std::size_t value_bytes = std::visit([](const auto& v) { return v.size() * sizeof(v[0]); }, tensor.values);
  std::vector<std::byte> content;
  content.reserve(kFixed + header.size() + value_bytes);
  put_bytes(content, std::as_bytes(std::span(kMagic)));
  put(content, std::uint8_t{1}, std::uint8_t{0}, static_cast<std::uint16_t>(header.size()));
  put_bytes(content, std::as_bytes(std::span(header)));
  std::visit([&](const auto& v) { put_bytes(content, std::as_bytes(std::span(v))); }, tensor.values);
  return content;
}

StoredTensor from_npy(std::span<const std::byte> content, std::string name, const std::string& where) {
  const base::NpyExtent extent = base::npy_extent(content.first(std::min(content.size(), base::kNpyStart)), where);
  if (extent.end > content.size()) base::fail(ExitCode::bad_data, "{}: truncated in its npy header", where);
  const auto text = content.subspan(extent.begin, extent.end - extent.begin);
  const base::NpyHeader header = base::parse_npy_header({reinterpret_cast<const char*>(text.data()), text.size()}, where);
  const bool single = header.type == "<f4";
  if (!single && header.type != "<f8") {
    base::fail(ExitCode::bad_data, "{}: found element type '{}', expected '<f4' or '<f8' (float32, float64)", where,
               header.type);
  }
  if (header.fortran_order) base::fail(ExitCode::bad_data, "{}: found Fortran order, expected C order", where);
  StoredTensor tensor{.name = std::move(name), .shape = {header.shape.begin(), header.shape.end()}, .values = {}};
  const auto bytes = content.subspan(extent.end);
  if (single) {
    tensor.values = elements_of<float>(bytes, tensor.shape, where);
  } else {
    tensor.values = elements_of<double>(bytes, tensor.shape, where);
  }
  return tensor;
}

}  // namespace talweg::io
