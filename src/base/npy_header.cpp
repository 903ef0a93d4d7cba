// SPDX-License-Identifier: Apache-2.0
#include "base/npy_header.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include "talweg/error.hpp"

namespace talweg::base {
namespace {

constexpr std::size_t kMagic = 6;
constexpr std::size_t kLongest = std::size_t{1} << 20;

/// Reads Python literals one after another.
class Cursor {
 public:
  Cursor(std::string_view text, const std::string& where) : rest_(text), where_(where) {}
  [[noreturn]] void refuse(std::string_view expected) const {
    constexpr std::size_t kShown = 40;
    fail(ExitCode::bad_data, "{}: its NPY header: found {}, expected {}", where_,
         rest_.empty() ? "its end" : fmt::format("\"{}\"", rest_.substr(0, kShown)), expected);
  }
  /// Skips `token` and returns true if it comes next.
  bool take(std::string_view token) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) refuse(token);
  }
  std::string text(std::string_view meaning) {
    for (const std::string_view quote : {"'", "\""}) {
      if (!take(quote)) continue;
      const std::size_t end = rest_.find(quote);
      if (end == std::string_view::npos) break;
      std::string result(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
      return result;
    }
    refuse(meaning);
  }
  bool truth() {
    if (take("True")) return true;
    if (!take("False")) refuse("True or False");
    return false;
  }
  std::vector<std::uint64_t> extents() {
    std::vector<std::uint64_t> result;
    expect("(");
    while (!take(")")) {
      std::uint64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc()) refuse("an extent: a whole number that is not negative");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      result.push_back(extent);
      if (take(",")) continue;
      expect(")");
      break;
    }
    return result;
  }

 private:
  std::string_view rest_;
  const std::string& where_;
};

}  // namespace

NpyExtent npy_extent(std::span<const std::byte> start, const std::string& where) {
  if (start.size() < kNpyStart || std::memcmp(start.data(), "\x93NUMPY", kMagic) != 0) {
    fail(ExitCode::bad_data, "{}: no NPY array: found {}, expected it to begin with \\x93NUMPY", where,
         start.size() < kNpyStart ? fmt::format("{} bytes", start.size()) : "other first bytes");
  }
  const auto version = static_cast<int>(start[kMagic]);
  if (version < 1 || version > 3) fail(ExitCode::bad_data, "{}: found NPY version {}, expected 1 to 3", where, version);
  const std::size_t begin = version == 1 ? 10 : 12;
  std::size_t length = 0;  // little-endian
  for (std::size_t i = begin; i-- > kMagic + 2;) length = length << 8 | static_cast<std::size_t>(start[i]);
  if (length < begin || length > kLongest) {
    fail(ExitCode::bad_data, "{}: found an NPY header of {} bytes, expected {} to {}", where, length, begin, kLongest);
  }
  return {.begin = begin, .end = begin + length};
}

NpyHeader parse_npy_header(std::string_view dictionary, const std::string& where) {
  Cursor at(dictionary, where);
  std::optional<std::string> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
  at.expect("{");
  while (!at.take("}")) {
    const std::string key = at.text("a key in quotes");
    at.expect(":");
    if (key == "descr") {
      type = at.text("an element type in quotes ('<f4', '<f8', ...), no structure");
    } else if (key == "fortran_order") {
      fortran_order = at.truth();
    } else if (key == "shape") {
      shape = at.extents();
    } else {
      fail(ExitCode::bad_data, "{}: its NPY header: found key '{}', expected descr, fortran_order, shape", where, key);
    }
    if (at.take(",")) continue;
    at.expect("}");
    break;
  }
  if (!type || !fortran_order || !shape) {
    fail(ExitCode::bad_data, "{}: its NPY header: found no {}, expected descr, fortran_order, shape", where,
         !type            ? "descr"
         : !fortran_order ? "fortran_order"
                          : "shape");
  }
  return {.type = std::move(*type), .fortran_order = *fortran_order, .shape = std::move(*shape)};
}

}  // namespace talweg::base
