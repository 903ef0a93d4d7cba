// SPDX-License-Identifier: Apache-2.0
// The thread that owns a run's files while the run goes on: trace.h5, trace.rows and the checkpoints. The loop hands over rows
// and copies of its state, and never waits for the disk unless it asks to.
//
// The order on the disk, whatever is killed when: the trace's rows, then best.h5 (after the checkpoint, if that is the first),
// then the checkpoint that needs them, then rotation. So a trace may run ahead of the checkpoint it is cut back to, and falls
// behind it only where its rows could not be written: who resumes then is told, and `verify` says so.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/lock.hpp"
#include "io/run_directory.hpp"
#include "io/trace_record.hpp"
#include "io/trace_writer.hpp"

namespace talweg::run {

/// Something could not be written.
struct WriteFailure {
  enum class What { checkpoint, best, rotation, rows, trace };  // rows: trace.rows, trace: trace.h5
  static constexpr std::size_t kWhats = 5;
  What what = What::trace;
  std::int64_t step = 0;  // of a checkpoint that is not there now
  bool best = false;      // and a new best.h5 was to follow it
  bool again = false;     // the one before had failed too
  std::string message;    // names the file and the system's reason
};

/// What the thread has done so far.
struct WriterReport {
  std::int64_t checkpoints = 0;  // on the disk
  std::int64_t failed = 0;       // and those that could not be written
  std::int64_t last_step = -1;   // of the newest on the disk; -1: none yet
  std::string lost_checkpoint;   // why the last one could not be written; empty: it was
  std::string lost_trace;        // the same of the trace
  double checkpoint_seconds = 0;
  double trace_seconds = 0;
};

class Writer {
 public:
  /// `keep` checkpoints survive rotation. Nothing is written where `lock` no longer holds. While idle() the caller may use
  /// `checkpoints`.
  Writer(io::RunDirectory directory, std::unique_ptr<io::TraceWriter> trace, int keep, const io::DirectoryLock& lock,
         io::CheckpointStore& checkpoints);
  ~Writer();  // what was handed over is written, if it can be
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The loop's side: one thread calls these, and none of them throws what happens to the disk.
  /// The record is in trace.rows in about a second. Until then it is held in memory: a few thousand, and what comes while the
  /// thread waits for the disk.
  void append(io::TraceRecord record);
  /// True unless a checkpoint is being written.
  [[nodiscard]] bool idle() const { return idle_.load(std::memory_order_acquire); }
  /// Where the next checkpoint is put together, when idle(); its memory and what it holds are those of the last.
  io::Checkpoint& snapshot() { return snapshot_; }
  /// What else is written with a checkpoint.
  struct Beside {
    bool best = false;   // before it, its state "trainer.best" as best.h5
    bool alone = false;  // that, and no checkpoint: the state has numbers that are not finite, say
    bool trace = false;  // after it, trace.h5, unless that costs too much: TraceWriter::publish_at_checkpoint()
  };
  /// Begins to write snapshot(), when idle().
  void write(Beside beside);
  /// Returns when nothing is being written.
  void wait();
  /// wait(), and all records are in trace.h5, or the report says why not. Lets go of what snapshot() holds.
  void finish();
  /// Nearly free: whether failures() has something.
  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_relaxed); }
  /// What has failed since it was last asked: each checkpoint and best.h5, anything else once until it succeeds again.
  std::vector<WriteFailure> failures();
  [[nodiscard]] WriterReport report() const;

 private:
  struct Job {
    bool checkpoint = false;
    Beside beside;
    [[nodiscard]] bool any() const { return checkpoint || beside.trace; }
  };

  void begin(Job job);
  void work();
  void keep_rows();
  void save(const Beside& beside);
  void publish(const Job& job);
  /// Runs `action`; what it throws becomes a failure, with `best` as it is then. False if it did, or if
  /// `action` has found nothing to do.
  template <class Action>
  bool attempt(WriteFailure::What what, Action action);

  const io::RunDirectory directory_;
  const int keep_;
  const io::DirectoryLock& lock_;
  io::CheckpointStore& checkpoints_;        // the thread's while not idle
  std::unique_ptr<io::TraceWriter> trace_;  // the thread's
  std::vector<io::TraceRecord> taken_;      // the thread's
  io::Checkpoint snapshot_;                 // the thread's while not idle
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  mutable std::mutex mutex_;
  std::condition_variable wake_;  // the thread
  std::condition_variable done_;  // the loop
  std::vector<io::TraceRecord> records_;
  Job job_;
  bool stopping_ = false;
  std::vector<WriteFailure> failures_;
  std::array<bool, WriteFailure::kWhats> failing_{};
  bool best_waits_ = false;  // the thread's: the best point of this checkpoint is not on the disk yet
  bool attempting_ = false;  // the thread's
  WriterReport report_;
  std::atomic<bool> idle_ = true;
  std::atomic<bool> failed_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace talweg::run
