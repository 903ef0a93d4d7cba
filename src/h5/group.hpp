// SPDX-License-Identifier: Apache-2.0
// Groups: named data sets and groups, hard links only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "h5/attributes.hpp"
#include "h5/dataset.hpp"

namespace talweg::h5 {

/// For compressed data sets, and for chunks that are compressed elsewhere. Level 1: traces are written while a run waits.
constexpr int kGzipLevel = 1;

/// Names are one path component: empty, "." and names with "/" are an Error(internal). Members keep their order of creation. A
/// missing member, or a soft or external link, is an Error(bad_data) naming file and path.
class Group {
 public:
  Group(Handle handle, Location location) : handle_(std::move(handle)), location_(std::move(location)) {}

  [[nodiscard]] Attributes attributes() const& { return {handle_.id(), location_}; }
  Attributes attributes() const&& = delete;  // Attributes is a view
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool has(const std::string& name) const;

  Group create_group(const std::string& name);
  [[nodiscard]] Group group(const std::string& name) const;

  /// Contiguous, uncompressed; an empty shape is a scalar.
  Dataset create_dataset(const std::string& name, Number number, std::span<const std::size_t> shape);
  /// One axis of `rows` in chunks of `chunk_rows` <= rows through shuffle and gzip; no rows: contiguous and empty.
  Dataset create_chunked(const std::string& name, Number number, std::size_t rows, std::size_t chunk_rows);
  /// One axis of `rows` fields of `length` bytes of UTF-8 text, gzip; chunks of about 1 MB.
  Dataset create_text(const std::string& name, std::size_t rows, std::size_t length);
  /// The same with the values.
  Dataset create_text(const std::string& name, std::span<const std::string> values);
  [[nodiscard]] Dataset dataset(const std::string& name) const;

 private:
  void require_hard_link(const std::string& name) const;

  Handle handle_;
  Location location_;
};

}  // namespace talweg::h5
