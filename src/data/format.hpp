// SPDX-License-Identifier: Apache-2.0
// What a file format is: a reader of records, one after another. formats.def has one line per format.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/load.hpp"

namespace talweg::data {

/// One record as it stands in the file. Views live until the next one is read.
struct Record {
  std::span<const double> dense;          // [features]; empty when sparse
  std::span<const std::int32_t> columns;  // sparse: 0-based, ascending
  std::span<const double> values;         // sparse
  std::string_view label;                 // as written
};

class Reader {
 public:
  virtual ~Reader() = default;
  [[nodiscard]] virtual bool sparse() const { return false; }
  /// Features per record as far as the file has said: for sparse files the largest index seen.
  [[nodiscard]] virtual std::size_t features() const = 0;
  /// False at the end. Errors name the file and the line or record.
  virtual bool next(Record& record) = 0;
  /// "line 3" or "record 2" of the last record, for errors found later.
  [[nodiscard]] virtual std::string position() const = 0;
};

struct Format {
  std::string_view name;
  std::string_view endings;  // that name it, separated by spaces, without .gz
  std::unique_ptr<Reader> (*open)(const Source&);
};

std::span<const Format* const> formats();
/// The format a file's name suggests; null when none does.
const Format* guess_format(const std::filesystem::path& path);
/// Error(bad_config) listing the names.
const Format& find_format(std::string_view name);

/// Product of the extents behind the first, of which there may be none: features per record. Error(bad_data) naming `file` when
/// there is no record, nothing in one, or more than a vector can hold.
std::size_t record_size(std::span<const std::uint64_t> extents, const std::string& file);

/// The number that all of `text` is; nothing else.
bool to_number(std::string_view text, double& out);

}  // namespace talweg::data
