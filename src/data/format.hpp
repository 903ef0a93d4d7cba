// SPDX-License-Identifier: Apache-2.0
// A file format: a reader of records, one after another. formats.def has one line per format.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/load.hpp"

namespace talweg::data {

/// One record as it is in the file. The views are valid until the next one is read.
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
  /// Features per record as far as known: for sparse files the largest index so far.
  [[nodiscard]] virtual std::size_t features() const = 0;
  /// False at the end. Errors name the file and the line or record.
  virtual bool next(Record& record) = 0;
  /// "line 3" or "record 2" of the last record, for errors found later.
  [[nodiscard]] virtual std::string position() const = 0;
};

struct Format {
  std::string_view name;
  std::string_view endings;  // of file names, separated by spaces, without .gz
  std::unique_ptr<Reader> (*open)(const Source&);
};

std::span<const Format* const> formats();
/// The format that a file's name suggests, or null.
const Format* guess_format(const std::filesystem::path& path);
/// Error(bad_config) listing the names.
const Format& find_format(std::string_view name);

/// Features per record: the product of the extents after the first (1 if there are none). Error(bad_data) naming `file` if
/// there is no record, if records are empty, or if one is larger than a vector can be.
std::size_t record_size(std::span<const std::uint64_t> extents, const std::string& file);

/// The number, if all of `text` is one.
bool to_number(std::string_view text, double& out);

}  // namespace talweg::data
