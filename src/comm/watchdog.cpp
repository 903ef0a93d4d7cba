// SPDX-License-Identifier: Apache-2.0
#include "comm/watchdog.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <limits>
#include <utility>

#include "base/signals_blocked.hpp"
#include "talweg/error.hpp"

namespace talweg::comm {
namespace {

using std::chrono::duration;
constexpr double kLooks = 20;       // per deadline
constexpr double kShortest = 0.02;  // seconds between two looks
constexpr double kLongest = 1;
constexpr double kProcessorShare = 0.05;  // a rank that uses this share of the time makes progress
constexpr double kGrace = 5;              // seconds until another rank reports, if the lowest does not

const char* text_of(Activity activity) {
  switch (activity) {
    case Activity::starting:
      return "starting";
    case Activity::reading:
      return "reading data";
    case Activity::computing:
      return "computing";
    case Activity::evaluating:
      return "evaluating";
    case Activity::updating:
      return "between requests";
    case Activity::saving:
      return "putting a checkpoint together";
    case Activity::disk:
      break;
  }
  return "waiting for its disk";
}

std::string name_of(const Presence& p) { return fmt::format("rank {} on {} (process {})", p.rank, p.host.data(), p.process); }

std::string place_of(const Presence& p) {
  const std::int64_t step = p.step.load(std::memory_order_relaxed);
  const auto activity = static_cast<Activity>(p.activity.load(std::memory_order_relaxed));
  return (p.waits() ? "waiting for others" : text_of(activity)) + (step > 0 ? fmt::format(", step {}", step) : std::string());
}

double processor_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

/// Bytes read and written by system calls so far; 0 if the system does not count them.
std::uint64_t bytes_moved() {
  std::ifstream io("/proc/self/io");
  std::uint64_t sum = 0, value = 0;
  for (std::string key; io >> key >> value;) {
    if (key == "rchar:" || key == "wchar:") sum += value;
  }
  return sum;
}

}  // namespace

std::string culprits(std::span<Presence* const> node, const std::vector<bool>& running) {
  std::string text;
  const auto add = [&](const std::string& one) { text += (text.empty() ? "" : "; ") + one; };
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (!running[i]) add(fmt::format("{} does not run (stopped, or gone); it was {}", name_of(*node[i]), place_of(*node[i])));
  }
  if (!text.empty()) return text;
  for (const Presence* p : node) {
    if (!p->waits()) add(fmt::format("{} does not get on: it is {}", name_of(*p), place_of(*p)));
  }
  if (!text.empty()) return text;
  for (const Presence* p : node) add(fmt::format("{} is {}", name_of(*p), place_of(*p)));
  return "all wait for each other: " + text;
}

Watchdog::Watchdog(std::vector<Presence*> node, const Node& where, bool launched, std::unique_ptr<ReportChannel> channel,
                   std::function<void(const std::string&)> end)
    : node_(std::move(node)),
      where_(where),
      mine_(static_cast<std::size_t>(where.place)),
      coordinator_(where.index == 0 && where.place == 0),
      channel_(std::move(channel)),
      parent_(launched ? getppid() : 0),
      end_(std::move(end)),
      seen_(node_.size()),
      processor_(processor_seconds()),
      heard_(static_cast<std::size_t>(coordinator_ ? where.nodes : 1)) {
  const base::SignalsBlocked blocked;
  thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Watchdog::deadline(double seconds) {
  {
    const std::lock_guard lock(mutex_);
    deadline_ = seconds;
  }
  wake_.notify_one();
}

void Watchdog::watch() {
  pthread_setname_np(pthread_self(), "talweg-watchdog");
  using Clock = std::chrono::steady_clock;
  auto before = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const double deadline = deadline_;
    const double period = deadline > 0 ? std::clamp(deadline / kLooks, kShortest, kLongest) : kLongest;
    wake_.wait_for(lock, duration<double>(period));
    if (stopping_) return;
    const auto now = Clock::now();
    // Time in which the machine slept does not count.
    const double passed = std::min(duration<double>(now - before).count(), 2 * period);
    before = now;
    lock.unlock();
    look(passed, deadline);
    lock.lock();
  }
}

void Watchdog::show_own_progress(double passed) {
  Presence& mine = *node_[mine_];
  mine.beats.fetch_add(1, std::memory_order_relaxed);
  const double processor = processor_seconds();
  const std::uint64_t bytes = bytes_moved();
  const auto activity = static_cast<Activity>(mine.activity.load(std::memory_order_relaxed));
  const bool counted = mine.waits() || activity == Activity::computing || activity == Activity::evaluating;
  // Looking reads some bytes itself.
  const bool moves = processor - processor_ > kProcessorShare * passed || bytes > bytes_ + 4096;
  if (!counted && (moves || activity == Activity::disk)) mine.moved.fetch_add(1, std::memory_order_relaxed);
  processor_ = processor;
  bytes_ = bytes;
}

void Watchdog::look(double passed, double deadline) {
  if (parent_ != 0 && getppid() != parent_) end("the process that has started this one is gone");
  show_own_progress(passed);
  quiet_ += passed;
  bool anybody_waits = false;
  for (std::size_t i = 0; i < node_.size(); ++i) {
    const Presence& p = *node_[i];
    Seen& seen = seen_[i];
    const Seen now{.calls = p.calls.load(std::memory_order_relaxed),
                   .work = p.work.load(std::memory_order_relaxed),
                   .moved = p.moved.load(std::memory_order_relaxed),
                   .beats = p.beats.load(std::memory_order_relaxed)};
    if (now.calls != seen.calls || now.work != seen.work || now.moved != seen.moved) quiet_ = 0;
    const double silent = now.beats != seen.beats ? 0 : seen.silent + passed;
    seen = now;
    seen.silent = silent;
    anybody_waits = anybody_waits || p.waits();
    deadline = deadline > 0 ? std::max(deadline, p.allowed.load(std::memory_order_relaxed)) : 0;
  }
  if (quiet_ == 0) warned_ = false;
  if (deadline == 0) return;
  std::vector<bool> running;
  for (const Seen& seen : seen_) running.push_back(seen.silent < deadline / 4);
  running[mine_] = true;
  const bool lowest = std::ranges::find(running, true) - running.begin() == static_cast<std::ptrdiff_t>(mine_);
  bool blame_here = false;  // some rank of the node is stopped, or does not wait
  for (std::size_t i = 0; i < node_.size(); ++i) blame_here = blame_here || !running[i] || !node_[i]->waits();
  const bool still = quiet_ >= deadline / 2;
  const bool suspicious = still && anybody_waits;
  // The other nodes may wait for a node of which no rank waits.
  if (channel_ != nullptr) talk(passed, deadline, anybody_waits, lowest, still && blame_here ? culprits(node_, running) : "");
  if (!suspicious || (where_.nodes > 1 && !blame_here)) return;
  if (!std::exchange(warned_, true) && lowest) {
    const std::string text = fmt::format("warning: no rank has moved for {:.1f} s, at {:.1f} s the run is ended: {}\n", quiet_,
                                         deadline, culprits(node_, running));
    std::fputs(text.c_str(), stderr);  // errors are ignored: stderr may be closed
    std::fflush(stderr);
  }
  if (quiet_ < deadline + (lowest ? 0 : kGrace)) return;
  end(fmt::format("no rank has moved for {:.1f} s, the deadline (run.deadline): {}", quiet_, culprits(node_, running)));
}

void Watchdog::end(const std::string& why) try {
  node_[mine_]->allowed.store(std::numeric_limits<double>::infinity(), std::memory_order_relaxed);  // only one rank reports
  end_(why);
} catch (...) {  // for example because stderr is closed
  std::_Exit(static_cast<int>(base::ExitCode::peer_lost));
}

void Watchdog::talk(double passed, double deadline, bool waits, bool lowest, const std::string& suspects) {
  for (Heard& h : heard_) h.ago += passed;
  NodeReport mine{.quiet = quiet_, .node = where_.index, .waits = waits ? 1 : 0, .text = {}};
  suspects.copy(mine.text.data(), mine.text.size() - 1);
  if (!coordinator_) {
    while (const auto report = channel_->receive()) heard_[0] = {.ago = 0, .report = report->second};
    if (!lowest) {
      heard_[0].ago = 0;  // rank 0 answers every node that sends
      return;
    }
    channel_->send(0, mine);
    if (waits && quiet_ >= deadline && heard_[0].ago >= deadline) {
      end(fmt::format("rank 0 ({}) has not been heard from for {:.1f} s, the deadline is {:.1f} s (run.deadline)",
                      channel_->name_of(0), heard_[0].ago, deadline));
    }
    return;
  }
  heard_[0] = {.ago = 0, .report = mine};
  while (const auto report = channel_->receive()) {
    heard_.at(static_cast<std::size_t>(report->second.node)) = {.ago = 0, .report = report->second};
    channel_->send(report->first, mine);
  }
  double quiet = quiet_;  // the least of the nodes that were heard from
  double longest = 0;
  bool anybody_waits = false;
  std::string blamed;
  const auto blame = [&](const std::string& one) { blamed += (blamed.empty() ? "" : "; ") + one; };
  for (std::size_t n = 0; n < heard_.size(); ++n) {
    const Heard& h = heard_[n];
    if (h.ago >= deadline / 2) {
      longest = std::max(longest, h.ago);
      blame(fmt::format("{}: not heard from for {:.1f} s", channel_->name_of(static_cast<int>(n)), h.ago));
      continue;
    }
    quiet = std::min(quiet, h.report.quiet);
    anybody_waits = anybody_waits || h.report.waits != 0;
    if (h.report.text[0] != '\0') blame(h.report.text.data());
  }
  if (!anybody_waits || quiet < deadline || (longest > 0 && longest < deadline)) return;
  end(fmt::format("no rank has moved for {:.1f} s, the deadline (run.deadline): {}", quiet,
                  blamed.empty() ? "all nodes wait for each other" : blamed));
}

}  // namespace talweg::comm
