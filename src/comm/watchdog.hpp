// SPDX-License-Identifier: Apache-2.0
// Ends a job whose ranks wait in vain. A thread on every rank reads the Presence of the ranks of its node. When one of them
// waits and none has made progress for the deadline, the lowest rank whose process runs names the culprit and ends all ranks.
//
// With several nodes, all ranks of one may wait for a rank on another. So the lowest running rank of each node tells rank 0 how
// long its node has been quiet and which rank it suspects; rank 0 answers, so that its own loss is noticed. Rank 0 ends the job
// when all nodes have been quiet for the deadline, or when one has not been heard from for that long and the others are quiet.
//
// Progress is: beginning or ending a collective, finishing a leaf, and, outside of leaves, using the processor, or reading or
// writing bytes. While a rank waits for its disk the others wait with it, as long as its process runs. Time in which the whole
// machine stood still does not count.
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

#include "comm/presence.hpp"
#include "comm/report_channel.hpp"

namespace talweg::comm {

/// The ranks that the others wait for when there is no progress, as text: those whose process does not run, or else those that
/// do not wait. `running` says for each rank whether its process runs.
std::string culprits(std::span<Presence* const> node, const std::vector<bool>& running);

class Watchdog {
 public:
  /// `node`: the Presence of each rank of the node. `channel`: the connection to the other nodes; without it, a node whose
  /// ranks all wait for others waits for ever. `end` is called once, in the watchdog's thread, with the message, and must not return.
  /// `launched`: the job ends when the parent process is gone.
  Watchdog(std::vector<Presence*> node, const Node& where, bool launched, std::unique_ptr<ReportChannel> channel,
           std::function<void(const std::string&)> end);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  /// Sets the deadline in seconds, counted from now; 0: off.
  void deadline(double seconds);

 private:
  struct Seen {
    std::uint64_t calls = 0, work = 0, moved = 0, beats = 0;
    double silent = 0;  // seconds since its process was last seen running
  };
  void watch();
  void look(double passed, double deadline);
  void show_own_progress(double passed);
  void end(const std::string& why);
  /// Exchanges messages with the other nodes; `lowest`: this rank represents its node. Does not return if it ends the job.
  void talk(double passed, double deadline, bool waits, bool lowest, const std::string& suspects);

  const std::vector<Presence*> node_;
  const Node where_;
  const std::size_t mine_;
  const bool coordinator_;
  const std::unique_ptr<ReportChannel> channel_;
  const pid_t parent_;  // 0: not watched
  const std::function<void(const std::string&)> end_;
  // Used by the thread only.
  std::vector<Seen> seen_;
  double quiet_ = 0;  // seconds without progress of any rank of the node
  bool warned_ = false;
  double processor_ = 0;     // seconds used so far
  std::uint64_t bytes_ = 0;  // read and written so far
  struct Heard {
    double ago = 0;  // seconds
    NodeReport report;
  };
  std::vector<Heard> heard_;  // on rank 0 one for each node; elsewhere one, for rank 0

  std::mutex mutex_;
  std::condition_variable wake_;
  double deadline_ = 60;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace talweg::comm
