// SPDX-License-Identifier: Apache-2.0
#include "talweg/train/signals.hpp"

#include <array>
#include <atomic>
#include <csignal>

#include "talweg/engine/engine.hpp"

namespace talweg::train {
namespace {

std::atomic<std::uint32_t> caught{0};  // a handler has nowhere else to write
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

struct Watched {
  int number;
  std::uint32_t bit;
};
constexpr std::array kWatched = {Watched{SIGUSR1, engine::checkpoint_and_stop}, Watched{SIGUSR2, engine::checkpoint_and_go_on},
                                 Watched{SIGINT, engine::stop_now}, Watched{SIGTERM, engine::stop_now}};

void on_signal(int number) {
  for (const Watched& w : kWatched) {
    if (w.number == number) caught.fetch_or(w.bit, std::memory_order_relaxed);
  }
}

void install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // file reads and MPI go on; the flag is looked at with the next request
  for (const Watched& w : kWatched) sigaction(w.number, &action, nullptr);
}

}  // namespace

SignalWatch::SignalWatch() { install(on_signal); }
SignalWatch::~SignalWatch() { install(SIG_DFL); }

std::uint32_t SignalWatch::take() { return caught.exchange(0, std::memory_order_relaxed); }

}  // namespace talweg::train
