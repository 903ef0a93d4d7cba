// SPDX-License-Identifier: Apache-2.0
// Writes the trace of a run while it goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/trace_record.hpp"

namespace talweg::io {

/// append() puts records in memory, write() and sync() move them to trace.rows, publish() to trace.h5. If one of these fails
/// nothing is lost: the next call includes it. Memory holds only what is not on the disk yet: at most half a MB after a
/// successful write(), however long the trace is. For one thread at a time.
class TraceWriter {
 public:
  /// A new trace in `directory`, which replaces an existing one. `figures` are the evaluation's columns, in order.
  static std::unique_ptr<TraceWriter> create(const std::filesystem::path& directory, const TraceAttributes& attributes,
                                             const std::vector<std::string>& figures);
  /// Continues the trace in `directory` after removing everything after `step`, so that rows have no gaps or repeats.
  /// `attributes` replace those of the same name. Creates a new trace if there is none. A damaged trace.h5 is an
  /// Error(bad_data).
  static std::unique_ptr<TraceWriter> resume(const std::filesystem::path& directory, std::int64_t step,
                                             const TraceAttributes& attributes, const std::vector<std::string>& figures);
  ~TraceWriter();  // tries to write what is still in memory to trace.rows

  /// The last step that resume() found a row of; 0: none.
  [[nodiscard]] std::int64_t last_step() const;

  void append(const TraceRecord& record);
  /// The longer the trace, the longer a publication takes. `between` is called many times meanwhile, and may append() and
  /// write(), so that records need not wait in memory; these are part of the next publication. If `between` throws, the
  /// publication ends.
  void while_publishing(std::function<void()> between);

  /// Writes all records so far to trace.rows: they then survive a kill. Error(io) or Error(permission) naming the file.
  void write();
  /// write() and fsync. Call it before a checkpoint is saved, so that its rows survive a crash too.
  void sync();
  /// Replaces trace.h5 by one with all rows so far, which costs a copy of it. The errors of write_atomically(); Error(bad_data)
  /// if the disk has lost rows.
  void publish();
  /// publish(), if all publishing takes less than 1 % of the `elapsed` seconds of this part, and the last was at least a second
  /// ago. Returns whether it did.
  bool publish_if_cheap(double elapsed);
  /// publish(), unless the last one took more than 2 % of the time since: the longer the trace, the rarer. Returns whether it
  /// did.
  bool publish_at_checkpoint();

 private:
  class Content;
  explicit TraceWriter(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

}  // namespace talweg::io
