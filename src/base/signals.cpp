// SPDX-License-Identifier: Apache-2.0
#include "talweg/signals.hpp"

#include <array>
#include <atomic>

namespace talweg::base {
namespace {

std::atomic<std::uint32_t> caught{0};  // global because a signal handler can reach nothing else
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

struct Watched {
  int number;
  std::uint32_t bit;
};
constexpr std::array kWatched = {Watched{SIGUSR1, checkpoint_and_stop}, Watched{SIGUSR2, checkpoint_and_go_on},
                                 Watched{SIGINT, stop_now}, Watched{SIGTERM, stop_now}, Watched{SIGHUP, stop_now},
                                 // A write to a closed pipe, or past a limit on file sizes, then fails with errno.
                                 Watched{SIGPIPE, 0}, Watched{SIGXFSZ, 0}};

void on_signal(int number) {
  for (const Watched& w : kWatched) {
    if (w.number == number) caught.fetch_or(w.bit, std::memory_order_relaxed);
  }
}

struct sigaction with_handler(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // reads and MPI continue; the flag is checked with the next request
  return action;
}

}  // namespace

SignalWatch::SignalWatch() {
  static_assert(kWatched.size() == std::tuple_size_v<decltype(before_)>);
  const auto action = with_handler(on_signal);
  for (std::size_t i = 0; i < kWatched.size(); ++i) {
    sigaction(kWatched[i].number, &action, &before_[i]);
    // Under nohup leave SIGHUP ignored.
    if (kWatched[i].number == SIGHUP && before_[i].sa_handler == SIG_IGN) sigaction(SIGHUP, &before_[i], nullptr);
  }
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; restore_ && i < kWatched.size(); ++i) sigaction(kWatched[i].number, &before_[i], nullptr);
}

void SignalWatch::ignore_from_now() {
  restore_ = false;
  const auto action = with_handler(SIG_IGN);
  for (const Watched& w : kWatched) sigaction(w.number, &action, nullptr);
}

std::uint32_t SignalWatch::take() { return caught.exchange(0, std::memory_order_relaxed); }

}  // namespace talweg::base
