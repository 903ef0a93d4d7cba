// SPDX-License-Identifier: Apache-2.0
// trace.rows: what was appended to the trace since trace.h5 was last published, one checksummed record each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "io/descriptor.hpp"
#include "talweg/io/trace.hpp"

namespace talweg::io {

/// The records in the bytes of a trace.rows, up to the first that is torn or damaged. None if it continues another publication
/// of trace.h5 than `generation`.
std::vector<TraceRecord> read_rows(std::span<const std::byte> content, std::int64_t generation);

class RowsWriter {
 public:
  explicit RowsWriter(std::filesystem::path file) : file_(std::move(file)) {}

  /// Empties the file and what is buffered: all of it is in trace.h5, as its publication `generation`.
  void start(std::int64_t generation);
  /// Buffers the record.
  void append(const TraceRecord& record);
  /// Writes what is buffered. Error(io) naming the file; what could not be written stays buffered.
  void write();
  /// write(), and on the disk when it returns.
  void sync();
  /// The file has not got what was written to it, or is not there: only another start() helps.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  [[noreturn]] void fail(int error, const char* action) const;

  std::filesystem::path file_;
  Descriptor descriptor_;
  std::int64_t generation_ = 0;
  std::int64_t bytes_ = 0;  // whole records in the file
  std::vector<std::byte> buffer_;
  bool lost_ = true;
};

}  // namespace talweg::io
