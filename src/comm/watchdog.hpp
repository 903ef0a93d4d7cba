// SPDX-License-Identifier: Apache-2.0
// Ends a job whose ranks wait in vain. A thread on every rank looks at what the ranks of its node show of themselves. When one
// of them waits and none has moved for the deadline, the lowest rank whose process runs says who is to blame, and ends all.
//
// Over several nodes, whose ranks may all wait for one elsewhere, the lowest running rank of each tells rank 0 how long its
// node has been quiet and whom it suspects; rank 0 answers, so that its own loss is noticed. Rank 0 ends the job when all nodes
// have been quiet for the deadline, or one has not been heard from for so long and the others are quiet.
//
// Moving is: beginning or ending a collective, a leaf done, and, outside of leaves, using the processor, or reading or writing
// bytes. While a rank waits for its disk the others wait with it, as long as its process runs. Time in which the whole machine
// stood still does not count.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "comm/line.hpp"
#include "comm/presence.hpp"

namespace talweg::comm {

/// Those that the others wait for, by name, when nobody has moved: processes that do not run, else ranks that do not wait.
/// `running` says of each whether its process runs.
std::string culprits(std::span<Presence* const> node, const std::vector<bool>& running);

class Watchdog {
 public:
  /// `node`: what all its ranks show. `line`: to the other nodes; with none, a node whose ranks all wait for others is left to
  /// wait. `end` is called once, in the watchdog's thread, with what to say, and does not return. `launched`: when the parent
  /// process is gone, so is the job.
  Watchdog(std::vector<Presence*> node, const Node& where, bool launched, std::unique_ptr<Line> line,
           std::function<void(const std::string&)> end);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  /// Seconds, from now on; 0: off.
  void deadline(double seconds);

 private:
  struct Seen {
    std::uint64_t calls = 0, work = 0, moved = 0, beats = 0;
    double silent = 0;  // seconds since its process was seen running
  };
  void watch();
  void look(double passed, double deadline);
  void show_own_progress(double passed);
  void end(const std::string& why);
  /// What other nodes say, and what they are told; `lowest`: this rank speaks for its node. Does not return if it ends the job.
  void talk(double passed, double deadline, bool waits, bool lowest, const std::string& suspects);

  const std::vector<Presence*> node_;
  const Node where_;
  const std::size_t mine_;
  const bool coordinator_;
  const std::unique_ptr<Line> line_;
  const pid_t parent_;  // 0: nobody to look after
  const std::function<void(const std::string&)> end_;
  // The thread's.
  std::vector<Seen> seen_;
  double quiet_ = 0;  // seconds in which nobody has moved
  bool warned_ = false;
  double processor_ = 0;     // seconds used so far
  std::uint64_t bytes_ = 0;  // read and written so far
  struct Heard {
    double ago = 0;  // seconds
    Word word;
  };
  std::vector<Heard> heard_;  // of each node, on rank 0; elsewhere of rank 0, at 0

  std::mutex mutex_;
  std::condition_variable wake_;
  double deadline_ = 60;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace talweg::comm
