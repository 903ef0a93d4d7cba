// SPDX-License-Identifier: Apache-2.0
#include "run/writer.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/signals_blocked.hpp"
#include "base/stopwatch.hpp"
#include "comm/agree.hpp"
#include "io/checkpoint_store.hpp"
#include "run/best_point.hpp"

namespace talweg::run {
namespace {

using base::Stopwatch;

constexpr std::chrono::seconds kRowsEvery{1};
constexpr std::size_t kRowsAtOnce = 4096;  // or earlier, when so many wait: memory does not depend on how fast steps are

/// No checkpoint is there, as far as can be seen.
bool none_in(const std::filesystem::path& directory) {
  try {
    return io::checkpoints_in(directory).empty();
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace

Writer::Writer(io::RunDirectory directory, std::unique_ptr<io::TraceWriter> trace, int keep, const io::DirectoryLock& lock,
               io::CheckpointStore& checkpoints)
    : directory_(std::move(directory)), keep_(keep), lock_(lock), checkpoints_(checkpoints), trace_(std::move(trace)) {
  trace_->while_publishing([this] {
    {
      const std::lock_guard lock(mutex_);
      if (records_.size() < kRowsAtOnce || !taken_.empty()) return;
      taken_.swap(records_);
    }
    keep_rows();
  });
  const base::SignalsBlocked blocked;
  thread_ = std::thread([this] { work(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::append(io::TraceRecord record) {
  const std::lock_guard lock(mutex_);
  records_.push_back(std::move(record));
  if (records_.size() == kRowsAtOnce) wake_.notify_one();
}

void Writer::begin(Job job) {
  {
    const std::lock_guard lock(mutex_);
    job_ = job;
    idle_.store(false, std::memory_order_relaxed);
  }
  wake_.notify_one();
}

void Writer::write(Beside beside) { begin({.checkpoint = true, .beside = beside}); }

void Writer::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return !job_.any(); });
}

void Writer::finish() {
  wait();
  begin({.beside = {.trace = true}});
  wait();
  snapshot_ = {};
}

std::vector<WriteFailure> Writer::failures() {
  const std::lock_guard lock(mutex_);
  failed_.store(false, std::memory_order_relaxed);
  return std::exchange(failures_, {});
}

WriterReport Writer::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void Writer::work() {
  pthread_setname_np(pthread_self(), "talweg-writer");  // for top and perf
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, kRowsEvery, [this] { return stopping_ || job_.any() || records_.size() >= kRowsAtOnce; });
    const Job job = job_;
    const bool last = stopping_;
    if (!taken_.empty()) {  // no memory for them the last time; first in, first out
      lock.unlock();
      keep_rows();
      lock.lock();
    }
    if (taken_.empty()) taken_.swap(records_);
    lock.unlock();
    keep_rows();
    if (job.checkpoint) save(job.beside);
    publish(job);
    lock.lock();
    if (job.any()) {
      job_ = {};
      idle_.store(true, std::memory_order_release);
      done_.notify_all();
    }
    if (last) return;
  }
}

template <class Action>
bool Writer::attempt(WriteFailure::What what, Action action) {
  const bool outermost = !std::exchange(attempting_, true);  // rows are kept while a trace is published: one time, not two
  double seconds = 0;
  bool done = false;
  std::string problem;
  try {
    const Stopwatch watch(seconds);
    lock_.expect_locked(directory_.root);
    done = action();
  } catch (...) {
    problem = comm::current_failure().message;
  }
  using What = WriteFailure::What;
  const bool checkpoint = what == What::checkpoint, of_trace = what == What::rows || what == What::trace;
  const std::lock_guard lock(mutex_);
  if (outermost) {
    attempting_ = false;
    (of_trace ? report_.trace_seconds : report_.checkpoint_seconds) += seconds;
  }
  if (checkpoint) {
    ++(problem.empty() ? report_.checkpoints : report_.failed);
    if (problem.empty()) report_.last_step = snapshot_.step;
    report_.lost_checkpoint = problem;
  }
  if (of_trace && !problem.empty()) report_.lost_trace = problem;
  bool& failing = failing_.at(static_cast<std::size_t>(what));
  if (done) failing = false;
  if (problem.empty()) return done;
  const bool again = std::exchange(failing, true);
  if (again && !checkpoint && what != What::best) return false;
  failures_.push_back({.what = what,
                       .step = checkpoint ? snapshot_.step : 0,
                       .best = checkpoint && best_waits_,
                       .again = again,
                       .message = std::move(problem)});
  failed_.store(true, std::memory_order_relaxed);
  return false;
}

/// Takes the loop's records over and writes them to trace.rows.
void Writer::keep_rows() {
  if (taken_.empty()) return;
  attempt(WriteFailure::What::rows, [this] {
    std::size_t kept = 0;
    try {
      for (; kept < taken_.size(); ++kept) trace_->append(taken_[kept]);
    } catch (...) {
      taken_.erase(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(kept));
      throw;
    }
    taken_.clear();
    trace_->write();
    return true;
  });
}

void Writer::save(const Beside& beside) {
  using What = WriteFailure::What;
  // Rows and best.h5 first, so that neither is behind the checkpoint; but what cannot be written of them is no reason to lose
  // it.
  attempt(What::rows, [this] {
    trace_->sync();
    return true;
  });
  const auto save_best = [&] {
    attempt(What::best, [this] {
      const AsBest as_best(snapshot_);
      io::save_as(directory_.best(), snapshot_);
      return true;
    });
  };
  if (beside.alone) return save_best();
  // Where there is no checkpoint yet it comes first: a best.h5 alone tells of one that was lost, or of a run that diverged
  // before it had any.
  const bool first = beside.best && none_in(directory_.checkpoints());
  snapshot_.attributes[io::kBest] = first ? io::kAfter : "before";
  if (beside.best && !first) save_best();
  best_waits_ = first;
  const bool saved = attempt(What::checkpoint, [this] {
    checkpoints_.save(snapshot_);
    return true;
  });
  if (first && saved) save_best();
  // Only over a new good copy are old ones removed.
  if (!saved) return;
  attempt(What::rotation, [this] {
    checkpoints_.rotate(keep_, snapshot_.step);
    return true;
  });
}

void Writer::publish(const Job& job) {
  const bool published = attempt(WriteFailure::What::trace, [&] {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    if (job.beside.trace && job.checkpoint && trace_->publish_at_checkpoint()) return true;
    if (!job.beside.trace || job.checkpoint) return trace_->publish_if_cheap(elapsed);
    trace_->publish();
    return true;
  });
  if (!published || !taken_.empty()) return;
  const std::lock_guard lock(mutex_);
  report_.lost_trace.clear();
}

}  // namespace talweg::run
