// SPDX-License-Identifier: Apache-2.0
// The training trace of a run directory: trace.h5, a plain HDF5 file that is complete at every moment, and trace.rows, the
// rows since it was last published. Layout: FORMAT.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace talweg::io {

/// One method step. Counts are totals since the run began; seconds too, over all its parts.
struct StepRow {
  std::int64_t step = 0;
  double epoch = 0;
  std::int64_t examples = 0;
  std::int64_t gradient_evaluations = 0;  // the method's own, per example
  std::int64_t hvp_evaluations = 0;
  std::int64_t value_evaluations = 0;
  std::int64_t evaluation_gradients = 0;  // the observers'
  double seconds = 0;
  double loss = 0;  // batch mean before the step, without Omega
  double gradient_norm = 0;
  double update_norm = 0;
  double parameter_norm = 0;
  double learning_rate = 0;
  std::int64_t part = 0;       // counts resumes
  double timing_gradient = 0;  // seconds of this step, by phase
  double timing_allreduce = 0;
  double timing_update = 0;
  double timing_broadcast = 0;
  double timing_other = 0;
};

/// What a checkpoint keeps of the row it was written beside: a hash of what does not hang on time, resumes and evaluations.
std::int64_t mark_of(const StepRow& row);

using Figures = std::vector<std::pair<std::string, double>>;

/// One evaluation. A figure that is missing is NaN; a new one gets a column of its own, NaN so far.
struct EvaluationRow {
  std::int64_t step = 0;
  double seconds = 0;
  std::int64_t gradient_evaluations = 0;
  Figures figures;
};

struct TraceEvent {
  std::int64_t step = 0;
  double seconds = 0;
  std::string kind;
  std::string message;
};

using TraceRecord = std::variant<StepRow, EvaluationRow, TraceEvent>;
using TraceAttributes = std::map<std::string, std::variant<std::int64_t, std::string>>;
using Columns = std::map<std::string, std::vector<double>>;

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

/// A trace in memory. Columns have the names of the file: steps["loss"], timing["gradient"], evaluation["valid_loss"].
struct Trace {
  Columns steps;
  Columns timing;  // rows of steps
  Columns evaluation;
  std::vector<TraceEvent> events;
  TraceAttributes attributes;
};

/// mark_of() the row at `index`. Error(bad_data) where it lacks a column.
std::int64_t mark_of(const Trace& trace, std::size_t index);

/// trace.h5 and, beside it, what trace.rows adds. `run_or_file` is a run directory or a trace file. Error(input_missing) or
/// Error(bad_data) naming the file.
Trace read_trace(const std::filesystem::path& run_or_file);

}  // namespace talweg::io
