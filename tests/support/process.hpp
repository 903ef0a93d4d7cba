// SPDX-License-Identifier: Apache-2.0
// Runs real programs (talweg, mpirun, python3) from a test, with a deadline: a hang is a failed test, never a hung suite.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace talweg::test {

struct Result {
  int code = -1;  // exit code; 128 + signal when killed by one
  std::string out;
  std::string err;
  bool timed_out = false;
};

/// A program that is running; killed when it goes out of scope.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command, const std::vector<std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Sends a signal to the process itself.
  void signal(int number) const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// What it has written to stderr so far.
  [[nodiscard]] std::string err() const;
  /// Waits until it ends or the deadline passes; then its whole group is killed.
  Result wait(std::chrono::seconds deadline = std::chrono::seconds(120));

 private:
  pid_t pid_ = -1;
  std::string out_file_;
  std::string err_file_;
};

Result run(const std::vector<std::string>& command, const std::vector<std::string>& environment = {});

/// mpirun -n ranks talweg arguments..., oversubscribed; ranks 0: talweg alone, without a launcher.
std::vector<std::string> talweg_command(int ranks, const std::vector<std::string>& arguments);
Result talweg(int ranks, const std::vector<std::string>& arguments);

}  // namespace talweg::test
