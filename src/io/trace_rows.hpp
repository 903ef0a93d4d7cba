// SPDX-License-Identifier: Apache-2.0
// trace.rows: the records since trace.h5 was last published, each with a checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "io/descriptor.hpp"
#include "io/trace_record.hpp"

namespace talweg::io {

/// The rows after a publication of trace.h5: whole records in a file, then in memory.
struct Rows {
  std::string name;  // for messages
  int file = -1;
  std::int64_t file_bytes = 0;
  std::span<const std::byte> memory;  // begins with the header if nothing is in the file
};

/// Calls `take` with each record, up to the first that is torn or damaged, and at most `most`; returns their number. There are
/// none if the rows belong to another publication of trace.h5 than `generation`. The file is read in parts.
std::int64_t read_rows(const Rows& rows, std::int64_t generation, const std::function<void(const TraceRecord&)>& take,
                       std::int64_t most = std::numeric_limits<std::int64_t>::max());

class RowsWriter {
 public:
  explicit RowsWriter(std::filesystem::path file) : file_(std::move(file)) {}

  /// Empties the file and the memory, after publication `generation` of trace.h5 has all their rows.
  void start(std::int64_t generation);
  /// Buffers the record.
  void append(const TraceRecord& record);
  /// Writes what is buffered. Error(io) naming the file; what could not be written stays in memory.
  void write();
  /// write() and fsync: the rows are on the disk when it returns.
  void sync();
  /// True if the file has lost what was written to it, or does not exist. Only another start() helps.
  [[nodiscard]] bool lost() const { return lost_; }
  /// The number of records since start().
  [[nodiscard]] std::int64_t records() const { return records_; }
  /// Calls `take` with the first `records` since start(), in order; it may append further ones. Error(bad_data) naming the file
  /// if the disk has lost some.
  void read(std::int64_t records, const std::function<void(const TraceRecord&)>& take) const;
  /// Renames the file, replacing a file of that name.
  void rename(const std::filesystem::path& file);
  /// Brings the name of the file to the disk, and with it those of all files in its directory.
  void sync_name();

 private:
  [[noreturn]] void fail(int error, const char* action) const;

  std::filesystem::path file_;
  Descriptor descriptor_;
  std::int64_t generation_ = 0;
  std::int64_t records_ = 0;
  std::int64_t synced_ = 0;        // bytes that are on the disk
  std::vector<std::byte> buffer_;  // later bytes: written ones that are not known to be on the disk, then new ones
  std::size_t written_ = 0;        // bytes of the buffer that are in the file
  bool lost_ = true;
};

}  // namespace talweg::io
