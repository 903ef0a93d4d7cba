// SPDX-License-Identifier: Apache-2.0
// Where the time of a run goes: seconds of this part, a part being what lies between two resumes.
#pragma once

#include <chrono>

namespace talweg::run {

class Clock {
 public:
  [[nodiscard]] double elapsed() const { return std::chrono::duration<double>(Steady::now() - started_).count(); }
  /// Of all parts of the run.
  [[nodiscard]] double seconds() const { return before_ + elapsed(); }
  [[nodiscard]] std::chrono::steady_clock::time_point started() const { return started_; }
  /// Seconds of the parts before this one.
  void continue_from(double before) { before_ = before; }
  /// Begins anew: what came before is not counted.
  void restart() {
    started_ = Steady::now();
    training = 0;
  }

  double training = 0;    // inside steps
  double evaluation = 0;  // figures and full gradients
  double checkpoint = 0;  // how long steps stood still for checkpoints
  double trace = 0;       // and for the trace
  double disk = 0;        // waiting for the disk at the end

 private:
  using Steady = std::chrono::steady_clock;
  Steady::time_point started_ = Steady::now();
  double before_ = 0;
};

}  // namespace talweg::run
