// SPDX-License-Identifier: Apache-2.0
#include "io/npy.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "io/little_endian.hpp"
#include "talweg/base/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kAlignment = 64;

/// What stands after 'key': in the header's dictionary, up to the end of it.
std::string_view value_of(std::string_view header, std::string_view key, const std::string& where) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    std::size_t begin = header.find(quoted);
    if (begin == std::string_view::npos) continue;
    begin = header.find_first_not_of(" :", begin + quoted.size());
    if (begin != std::string_view::npos) return header.substr(begin);
  }
  base::fail(ExitCode::bad_data, "{}: its npy header has no '{}'", where, key);
}

std::vector<std::size_t> parse_shape(std::string_view text, const std::string& where) {
  const std::size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos)
    base::fail(ExitCode::bad_data, "{}: its npy header has no shape", where);
  text = text.substr(1, end - 1);
  std::vector<std::size_t> shape;
  constexpr std::size_t kMost = std::size_t{1} << 60;
  std::size_t product = 1;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" ,");
    if (begin == std::string_view::npos) return shape;
    text.remove_prefix(begin);
    std::size_t extent = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc{} || (extent != 0 && product > kMost / extent)) {
      base::fail(ExitCode::bad_data, "{}: found shape entry '{}', expected a whole number of sensible size", where, text);
    }
    product *= extent;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    shape.push_back(extent);
  }
}

template <class Real>
std::vector<Real> elements_of(std::span<const std::byte> bytes, const std::vector<std::size_t>& shape,
                              const std::string& where) {
  const std::size_t count = elements(shape);
  if (bytes.size() != count * sizeof(Real)) {
    base::fail(ExitCode::bad_data, "{}: found {} bytes of elements, its shape and type need {}", where, bytes.size(),
               count * sizeof(Real));
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
  constexpr std::size_t kShortest = 12;
  if (content.size() < kShortest || std::memcmp(content.data(), kMagic.data(), kMagic.size()) != 0) {
    base::fail(ExitCode::bad_data, "{}: no npy array: it does not begin with \\x93NUMPY", where);
  }
  const auto version = get<std::uint8_t>(content, kMagic.size());
  if (version < 1 || version > 3) base::fail(ExitCode::bad_data, "{}: found npy version {}, expected 1 to 3", where, version);
  const std::size_t begin = version == 1 ? 10 : 12;
  const std::size_t length = version == 1 ? get<std::uint16_t>(content, 8) : get<std::uint32_t>(content, 8);
  if (length > content.size() - begin) base::fail(ExitCode::bad_data, "{}: truncated in its npy header", where);
  const std::string_view header(reinterpret_cast<const char*>(content.data()) + begin, length);
  const std::string_view type = value_of(header, "descr", where).substr(0, 5);
  const bool single = type.substr(1, 3) == "<f4";
  if (!single && type.substr(1, 3) != "<f8") {
    base::fail(ExitCode::bad_data, "{}: found element type {}, expected '<f4' or '<f8' (float32, float64)", where, type);
  }
  if (!value_of(header, "fortran_order", where).starts_with("False")) {
    base::fail(ExitCode::bad_data, "{}: found Fortran order, expected C order", where);
  }
  StoredTensor tensor{.name = std::move(name), .shape = parse_shape(value_of(header, "shape", where), where), .values = {}};
  const auto bytes = content.subspan(begin + length);
  if (single) {
    tensor.values = elements_of<float>(bytes, tensor.shape, where);
  } else {
    tensor.values = elements_of<double>(bytes, tensor.shape, where);
  }
  return tensor;
}

}  // namespace talweg::io
