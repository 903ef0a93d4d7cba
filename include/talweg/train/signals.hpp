// SPDX-License-Identifier: Apache-2.0
// Signals, for programs that want them: handlers that only set a flag. The library installs none unless this is constructed.
#pragma once

#include <cstdint>

namespace talweg::train {

/// USR1 checkpoint and stop, USR2 checkpoint and go on, INT and TERM stop as soon as possible. One per process.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// engine::Signal bits caught since the last call.
  static std::uint32_t take();
};

}  // namespace talweg::train
