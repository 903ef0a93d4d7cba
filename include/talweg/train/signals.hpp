// SPDX-License-Identifier: Apache-2.0
// Signals, for programs that want them: handlers that only set a flag. The library installs none: who wants a run to obey
// signals holds a SignalWatch and names it in TrainOptions.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>

namespace talweg::train {

/// USR1 checkpoint and stop, USR2 checkpoint and go on; INT, TERM and HUP stop as soon as possible, HUP unless it is ignored
/// already (nohup). One per process.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();  // what was before is restored
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// engine::Signal bits caught since the last call.
  static std::uint32_t take();
  /// From here to the end of the process these signals do nothing: work that is done is not to be killed by them.
  void ignore_from_now();

 private:
  std::array<struct sigaction, 7> before_{};
  bool restore_ = true;
};

}  // namespace talweg::train
