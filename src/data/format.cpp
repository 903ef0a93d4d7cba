// SPDX-License-Identifier: Apache-2.0
#include "data/format.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "talweg/error.hpp"

namespace talweg::data {

#define TALWEG_FORMAT(name) extern const Format format_##name;
#include "data/formats.def"
#undef TALWEG_FORMAT

namespace {

const std::array kFormats = {
#define TALWEG_FORMAT(name) &format_##name,
#include "data/formats.def"
#undef TALWEG_FORMAT
};

}  // namespace

std::span<const Format* const> formats() { return kFormats; }

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Format* format : kFormats) names.emplace_back(format->name);
  return names;
}

const Format* guess_format(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  for (const Format* format : kFormats) {
    for (std::string_view rest = format->endings; !rest.empty();) {
      const std::size_t space = std::min(rest.find(' '), rest.size());
      if (name.ends_with(rest.substr(0, space))) return format;
      rest.remove_prefix(std::min(space + 1, rest.size()));
    }
  }
  return nullptr;
}

const Format& find_format(std::string_view name) {
  std::string known;
  for (const Format* format : kFormats) {
    if (format->name == name) return *format;
    known += (known.empty() ? "" : ", ") + std::string(format->name);
  }
  base::fail(base::ExitCode::bad_config, "format: found \"{}\", expected one of {}", name, known);
}

std::size_t record_size(std::span<const std::uint64_t> extents, const std::string& file) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
  // Checked before memory is allocated: a header without records may claim records of any length.
  if (extents.front() == 0) base::fail(base::ExitCode::bad_data, "{}: found no records, expected at least one", file);
  std::uint64_t size = 1;
  for (const std::uint64_t extent : extents.subspan(1)) {
    if (extent == 0 || extent > kMost / size) {
      base::fail(base::ExitCode::bad_data, "{}: found extents {}, expected 1 to {} numbers in a record", file,
                 fmt::join(extents, " x "), kMost);
    }
    size *= extent;
  }
  return size;
}

bool to_number(std::string_view text, double& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace talweg::data
