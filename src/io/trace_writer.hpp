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

/// Records go to memory, with write() and sync() on to trace.rows, with publish() into trace.h5. Where one of these fails
/// nothing is lost: the next has it too. Memory holds what is not on the disk yet, at most half a MB after a write() that
/// succeeds, however long the trace is. For one thread at a time.
class TraceWriter {
 public:
  /// A new trace in `directory`, in place of any that is there. `figures` are the evaluation's columns, in order.
  static std::unique_ptr<TraceWriter> create(const std::filesystem::path& directory, const TraceAttributes& attributes,
                                             const std::vector<std::string>& figures);
  /// The trace in `directory` without anything after `step`: rows go on without gaps or repeats. `attributes` replace those of
  /// the same name. No trace there: a new one. A damaged trace.h5 is an Error(bad_data).
  static std::unique_ptr<TraceWriter> resume(const std::filesystem::path& directory, std::int64_t step,
                                             const TraceAttributes& attributes, const std::vector<std::string>& figures);
  ~TraceWriter();  // what is still in memory goes to trace.rows, if it can

  /// Of the last step that resume() found a row of; 0: none.
  [[nodiscard]] std::int64_t last_step() const;

  void append(const TraceRecord& record);
  /// A publication takes the longer the longer the trace is: `between` is called many times in it, and may append() and
  /// write(), so that records need not wait in memory. These are in the next publication. What it throws ends the publication.
  void while_publishing(std::function<void()> between);

  /// All records so far are in trace.rows: they outlive a kill. Error(io) or Error(permission) naming the file.
  void write();
  /// And on the disk. Before a checkpoint is saved: its rows then outlive it.
  void sync();
  /// Replaces trace.h5 by one with all rows so far, which costs a copy of it. The errors of publish(); Error(bad_data) if the
  /// disk has lost what was written.
  void publish();
  /// publish(), if all publishing stays below 1 % of `elapsed` seconds of this part and the last was a second ago or more.
  /// True if it did.
  bool publish_if_cheap(double elapsed);
  /// publish(), unless the last one took more than 2 % of the time since: the longer the trace, the rarer. True if it did.
  bool publish_at_checkpoint();

 private:
  class Content;
  explicit TraceWriter(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

}  // namespace talweg::io
