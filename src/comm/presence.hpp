// SPDX-License-Identifier: Apache-2.0
// What a rank shows to the ranks that may wait for it: a few words in memory that the ranks of a node share. Showing costs a
// plain store; a thread on each rank reads them now and then (src/comm/watchdog.hpp).
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace talweg::comm {

struct Presence {
  // Written by the rank's main thread.
  std::atomic<std::uint64_t> calls{0};  // collectives begun and ended: odd inside one
  std::atomic<std::uint32_t> activity{0};
  std::atomic<std::int64_t> step{-1};  // the current one; negative: none
  std::atomic<double> allowed{0};      // seconds in which all ranks should have finished the current request
  std::atomic<std::uint64_t> work{0};  // pieces of work done; written by any of its threads
  // Written by its watchdog.
  std::atomic<std::uint64_t> beats{0};  // counts up while the process runs
  std::atomic<std::uint64_t> moved{0};  // counts up while it makes progress that `work` does not count
  int rank = 0;
  pid_t process = 0;
  std::array<char, 64> host{};

  [[nodiscard]] bool waits() const { return calls.load(std::memory_order_relaxed) % 2 != 0; }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<double>::is_always_lock_free);

/// Marks a collective: its beginning and its end.
class Waiting {
 public:
  explicit Waiting(Presence& presence) : calls_(presence.calls) { count(); }
  ~Waiting() { count(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void count() { calls_.store(calls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  std::atomic<std::uint64_t>& calls_;
};

}  // namespace talweg::comm
