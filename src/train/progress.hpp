// SPDX-License-Identifier: Apache-2.0
// The progress line on stderr: a bar on a terminal, a plain line every few seconds elsewhere, JSON lines for programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "talweg/train.hpp"

namespace talweg::train {

/// "auto" is a bar on a terminal (but under Open MPI a rank's output is a pty even when redirected: plain there).
ProgressStyle progress_style(std::string_view name, bool under_launcher);

struct ProgressState {
  std::int64_t step = 0;
  std::int64_t steps = 0;
  double epoch = 0;
  double examples = 0;  // so far in this part of the run
  double loss = 0;
  double valid_accuracy = -1;  // negative: none
};

class Progress {
 public:
  Progress(ProgressStyle style, std::FILE* out);
  /// Shows the state if it is time: ten times a second for a bar, every two seconds otherwise. Cheap when it is not.
  void update(const ProgressState& state);
  /// Takes the bar off the line, so that a message can stand there; it comes back with the next update.
  void clear();
  /// Shows the last state and ends the line.
  void finish(const ProgressState& state);

 private:
  using Clock = std::chrono::steady_clock;
  void show(const ProgressState& state);
  ProgressStyle style_;
  std::FILE* out_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = Clock::now();
  Clock::time_point last_ = Clock::now();
  double last_examples_ = 0;
  std::int64_t first_step_ = -1;
  double rate_ = 0;        // examples per second, smoothed
  std::size_t width_ = 0;  // of the line on the screen
};

}  // namespace talweg::train
