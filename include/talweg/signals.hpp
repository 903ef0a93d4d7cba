// SPDX-License-Identifier: Apache-2.0
// Requests to a running training, and signal handlers that make them. The library installs no handlers by itself: a program
// that wants a run to obey signals keeps a SignalWatch alive and gives SignalWatch::take as train::TrainOptions::signals.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>

namespace talweg::base {

/// Requests to a run, as bits. They are agreed between the ranks with every oracle request.
enum Signal : std::uint32_t { checkpoint_and_go_on = 1, checkpoint_and_stop = 2, stop_now = 4 };

/// USR1 checkpoint and stop, USR2 checkpoint and go on; INT, TERM and HUP stop as soon as possible, HUP unless it is ignored
/// already (nohup). One per process.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();  // restores the previous handlers
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// Signal bits caught since the last call.
  static std::uint32_t take();
  /// From here to the end of the process these signals do nothing: a run that has ended must not be killed by them.
  void ignore_from_now();

 private:
  std::array<struct sigaction, 7> before_{};
  bool restore_ = true;
};

}  // namespace talweg::base
