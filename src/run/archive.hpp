// SPDX-License-Identifier: Apache-2.0
// What rank 0 keeps of a run on its disk: the lock, the trace, the checkpoints, and what it knows of them. Archive itself keeps
// nothing: it stands on the other ranks, and in runs without a directory. DiskArchive is the real one.
//
// The loop hands over rows and copies of its state and never waits for the disk unless it says so; the writer's thread owns the
// files (writer.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/lock.hpp"
#include "io/run_directory.hpp"
#include "io/trace_record.hpp"
#include "run/clock.hpp"
#include "run/writer.hpp"
#include "talweg/communicator.hpp"
#include "talweg/log.hpp"

namespace talweg::run {

struct CheckpointSection {
  std::int64_t every_steps = 0;  // 0: off
  double every_seconds = 60;     // 0: off
  std::int64_t keep = 2;
};

/// What was written of a run so far.
struct Written {
  std::int64_t checkpoints = 0;
  std::int64_t failed = 0;  // checkpoints that could not be written
  std::int64_t late = 0;    // that waited for the one before them to be on the disk
  double checkpoint_seconds = 0;
  double trace_seconds = 0;
  std::int64_t last_checkpoint = -1;  // step of the newest on the disk; -1: none
};

class Archive {
 public:
  virtual ~Archive() = default;
  /// True while records and checkpoints are taken.
  [[nodiscard]] virtual bool open() const { return false; }
  /// So many steps are done now.
  virtual void at_step(std::int64_t /*step*/) {}

  virtual void append(io::TraceRecord /*record*/) {}
  virtual void event(std::string_view /*kind*/, const std::string& /*message*/) {}
  /// Says what could not be written since, as warnings and events.
  virtual void report_failures() {}
  /// True when a file in the run directory asks the run to stop; looked for a few times a second.
  virtual bool asked_to_stop() { return false; }

  /// True when a checkpoint is to be taken now: by [checkpoint], or because it was `asked` for. While the one before is being
  /// written the answer is no, and the newest state is taken afterwards; `exact`: wait for that one instead.
  virtual bool due(bool /*asked*/, bool /*exact*/) { return false; }
  /// Where the next checkpoint is put together; its memory and what it holds are those of the last. Null: none is taken.
  virtual io::Checkpoint* next() { return nullptr; }
  /// Begins to write next(). Error(diverged) when it is not finite. `last`: the trace is finished right after it.
  virtual void save(bool /*last*/) {}
  /// Begins to write next()'s best point, and nothing else.
  virtual void save_best() {}
  /// There is a best point that best.h5 may not hold yet; or there is none.
  virtual void best_changed(bool /*changed*/) {}
  [[nodiscard]] virtual bool best_is_unsaved() const { return false; }

  /// Returns when nothing is being written.
  virtual void wait() {}
  /// wait(), and all records are in trace.h5.
  virtual void finish_trace() {}
  /// Why the last checkpoint, or the trace, is not on the disk; empty: it is.
  [[nodiscard]] virtual std::string lost_checkpoint() const { return {}; }
  [[nodiscard]] virtual std::string lost_trace() const { return {}; }
  /// In words.
  [[nodiscard]] virtual std::string last_checkpoint() const { return "there is no checkpoint on the disk"; }
  [[nodiscard]] virtual Written written() const { return {}; }

  /// The run has ended.
  virtual void write_summary(const std::string& /*json*/) {}

  // A rollback: the newest intact checkpoint; then nothing is written until the run goes on from it.
  virtual std::optional<io::CheckpointStore::Loaded> load_newest() { return std::nullopt; }
  virtual void close() {}
  /// Goes on from the checkpoint of step `step`, whose trace ends with the row of step `row`: later rows are cut off.
  virtual void continue_from(std::int64_t /*step*/, std::int64_t /*row*/) {}
};

/// What a run's trace says about it, and the figures its evaluations have.
struct TraceDescription {
  io::TraceAttributes attributes;
  std::vector<std::string> figures;
};

class DiskArchive final : public Archive {
 public:
  /// Creates the directory and takes its lock: Error(cannot_create | permission).
  DiskArchive(io::RunDirectory directory, const CheckpointSection& checkpoint, comm::Communicator& comm, Clock& clock,
              const base::Log& log);

  [[nodiscard]] const io::RunDirectory& directory() const { return directory_; }
  /// The newest intact checkpoint there, with its file.
  [[nodiscard]] std::optional<io::CheckpointStore::Loaded> newest() { return checkpoints_.load_newest(log_); }
  /// Removes what an earlier run wrote. Only what talweg wrote: the directory may be somebody's.
  void drop_earlier_run();
  /// Makes room for a run in the place of one that ended before its first checkpoint; nothing of that is lost.
  void make_way();
  /// A run that goes on has no summary until it ends.
  void drop_summary();
  /// Writes best.h5 again, from the run's last checkpoint, if the file is not that.
  void write_lost_best(io::Checkpoint& checkpoint);
  /// The resolved config, or the summary.
  void publish(const std::filesystem::path& file, const std::string& text);
  void describe_trace(TraceDescription description) { description_ = std::move(description); }
  /// With a trace of no rows.
  void begin();
  /// The newest checkpoint on the disk is that of step `step`, and the run stands there.
  void stand_at(std::int64_t step);

  [[nodiscard]] bool open() const override { return writer_.has_value(); }
  void at_step(std::int64_t step) override { step_ = step; }
  void append(io::TraceRecord record) override;
  void event(std::string_view kind, const std::string& message) override;
  void report_failures() override;
  bool asked_to_stop() override;
  bool due(bool asked, bool exact) override;
  io::Checkpoint* next() override { return writer_ ? &writer_->snapshot() : nullptr; }
  void save(bool last) override;
  void save_best() override;
  void best_changed(bool changed) override { best_changed_ = changed; }
  [[nodiscard]] bool best_is_unsaved() const override { return best_changed_; }
  void wait() override;
  void finish_trace() override;
  void write_summary(const std::string& json) override { publish(directory_.summary(), json); }
  [[nodiscard]] std::string lost_checkpoint() const override { return writer_ ? writer_->report().lost_checkpoint : ""; }
  [[nodiscard]] std::string lost_trace() const override { return writer_ ? writer_->report().lost_trace : ""; }
  [[nodiscard]] std::string last_checkpoint() const override;
  [[nodiscard]] Written written() const override;
  std::optional<io::CheckpointStore::Loaded> load_newest() override;
  void close() override;
  void continue_from(std::int64_t step, std::int64_t row) override;

 private:
  using Steady = std::chrono::steady_clock;
  void start_writer(std::unique_ptr<io::TraceWriter> trace);
  /// Of a checkpoint that had to wait for the one before it.
  void report_delay();

  const io::RunDirectory directory_;
  const CheckpointSection checkpoint_;
  comm::Communicator& comm_;
  Clock& clock_;
  const base::Log& log_;
  io::CheckpointStore checkpoints_;  // the writer's while it is not idle
  std::optional<io::DirectoryLock> lock_;
  TraceDescription description_;
  std::optional<Writer> writer_;  // while the run goes on

  std::int64_t step_ = 0;                       // steps done
  Steady::time_point look_at_ = Steady::now();  // when the file that asks to stop is looked for next
  Steady::time_point taken_at_ = Steady::now();
  std::int64_t taken_step_ = -1;  // of the last checkpoint taken; -1: none
  std::int64_t on_disk_ = -1;     // of the newest on the disk, as far as the writer was asked
  bool asked_ = false;            // for a checkpoint
  std::int64_t due_step_ = -1;    // of a checkpoint that waits for the one being written
  Steady::time_point due_at_ = Steady::now();
  std::int64_t late_ = 0;
  bool told_late_ = false;
  bool best_changed_ = false;
  Written before_;  // by the writers before the one at hand
};

}  // namespace talweg::run
