// SPDX-License-Identifier: Apache-2.0
#include "train/writer.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "talweg/comm/agree.hpp"
#include "talweg/engine/meter.hpp"
#include "talweg/io/publish.hpp"

namespace talweg::train {
namespace {

using engine::Stopwatch;

constexpr std::chrono::seconds kRowsEvery{1};

/// A thread begun in its life gets no signals but those of its own faults: they are the loop's, and a file that may not grow is
/// then an error of write() (EFBIG) like any other.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : std::array{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

/// The best point so far, with all that is said about the run in the checkpoint it comes from.
io::Checkpoint best_in(io::Checkpoint& from) {
  auto state = std::exchange(from.state, {});  // not to be copied
  io::Checkpoint best = from;
  from.state = std::move(state);
  best.step = from.counters.at("trainer.best_step");
  best.parameters = from.state.at("trainer.best");
  return best;
}

}  // namespace

Writer::Writer(RunDirectory directory, std::unique_ptr<io::TraceWriter> trace, int keep)
    : directory_(std::move(directory)), keep_(keep), trace_(std::move(trace)) {
  const SignalsBlocked blocked;
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
    wake_.wait_for(lock, kRowsEvery, [this] { return stopping_ || job_.any(); });
    const Job job = job_;
    const bool last = stopping_;
    taken_.swap(records_);
    lock.unlock();
    keep_rows();
    if (job.checkpoint) save(job.beside.best);
    publish(job.beside.trace);
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
bool Writer::attempt(WriteFailure::What what, bool best, Action action) {
  double seconds = 0;
  std::string problem;
  try {
    const Stopwatch watch(seconds);
    action();
  } catch (...) {
    problem = comm::current_failure().message;
  }
  const bool checkpoint = what == WriteFailure::What::checkpoint;
  const std::lock_guard lock(mutex_);
  (what == WriteFailure::What::trace ? report_.trace_seconds : report_.checkpoint_seconds) += seconds;
  if (checkpoint) {
    ++(problem.empty() ? report_.checkpoints : report_.failed);
    if (problem.empty()) report_.last_step = snapshot_.step;
    report_.lost_checkpoint = problem;
  }
  if (problem.empty()) return true;
  if (what == WriteFailure::What::trace) {
    if (std::exchange(report_.lost_trace, problem) == problem) return false;
  }
  failures_.push_back({.what = what, .step = checkpoint ? snapshot_.step : 0, .best = best, .message = std::move(problem)});
  failed_.store(true, std::memory_order_relaxed);
  return false;
}

/// Takes the loop's records over and writes them to trace.rows.
void Writer::keep_rows() {
  if (taken_.empty()) return;
  attempt(WriteFailure::What::trace, false, [this] {
    for (const io::TraceRecord& record : taken_) trace_->append(record);
    taken_.clear();
    trace_->write();
  });
}

void Writer::save(bool best) {
  const bool saved = attempt(WriteFailure::What::checkpoint, best, [&] {
    trace_->sync();
    if (best) io::save_as(directory_.best(), best_in(snapshot_));
    io::save(directory_.checkpoints(), snapshot_);
  });
  // Only over a new good copy are old ones removed.
  if (saved) attempt(WriteFailure::What::rotation, false, [&] { io::rotate(directory_.checkpoints(), keep_); });
}

void Writer::publish(bool anyway) {
  bool published = false;
  attempt(WriteFailure::What::trace, false, [&] {
    if (anyway) trace_->publish();
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    published = anyway || trace_->publish_if_cheap(elapsed);
  });
  if (!published) return;
  const std::lock_guard lock(mutex_);
  report_.lost_trace.clear();
}

}  // namespace talweg::train
