// SPDX-License-Identifier: Apache-2.0
#include "comm/launcher.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <string_view>

namespace talweg::comm {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTidyUp{3000};
constexpr std::array<std::string_view, 4> kLaunchers = {"mpirun", "mpiexec", "orterun", "orted"};

bool is_launcher(pid_t process) {
  std::array<char, 32> path{};
  std::array<char, 32> name{};
  std::snprintf(path.data(), path.size(), "/proc/%d/comm", process);
  std::FILE* const file = std::fopen(path.data(), "r");
  if (file == nullptr) return false;
  const bool read = std::fgets(name.data(), name.size(), file) != nullptr;
  std::fclose(file);
  const std::string_view text = name.data();
  return read && std::ranges::find(kLaunchers, text.substr(0, text.find('\n'))) != kLaunchers.end();
}

// Declared here because the header of glibc 2.36 lacks extern "C".
int open_process(pid_t process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }
void send(int process, int signal) { syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0); }

bool ends_within(int process, milliseconds time) {
  pollfd wanted{.fd = process, .events = POLLIN, .revents = 0};
  return poll(&wanted, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

void end_launcher_after(milliseconds grace) noexcept {
  const pid_t parent = getppid();
  // A descriptor, because the process number may be reused by then.
  const int launcher = is_launcher(parent) ? open_process(parent) : -1;
  if (launcher < 0 || fork() != 0) return;
  // From here on only async-signal-safe calls: locks may be held by threads that this child does not have.
  setsid();
  dup2(launcher, 0);
  close_range(1, ~0U, 0);  // mpirun waits until all writers have closed its pipes
  if (!ends_within(0, grace)) {
    send(0, SIGTERM);
    if (!ends_within(0, kTidyUp)) send(0, SIGKILL);
  }
  _exit(0);
}

}  // namespace talweg::comm
