// SPDX-License-Identifier: Apache-2.0
// Bounds the waits that the watchdog cannot see: the start of MPI, before ranks share memory, and its end.
#pragma once

#include <string>
#include <thread>

namespace talweg::comm {

/// When this object has existed for `seconds` (0: no limit), or when the parent process is gone, the process says so, names its
/// siblings that are stopped, and ends with 69. Its launcher then ends the others.
class Patience {
 public:
  /// `what` the process waits for, in messages: "all ranks to start".
  Patience(double seconds, std::string what);

 private:
  std::jthread thread_;
};

}  // namespace talweg::comm
