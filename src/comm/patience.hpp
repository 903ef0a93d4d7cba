// SPDX-License-Identifier: Apache-2.0
// Bounds the waits that no watchdog sees: MPI's start, before ranks have anything to show each other, and its end.
#pragma once

#include <string>
#include <thread>

namespace talweg::comm {

/// When it has lived for `seconds` (0: never), or when the process that has started this one is gone, the process says so,
/// names those beside it that are stopped, and ends with 69; its launcher then ends the others.
class Patience {
 public:
  /// `what` is waited for: "all ranks to start".
  Patience(double seconds, std::string what);

 private:
  std::jthread thread_;
};

}  // namespace talweg::comm
