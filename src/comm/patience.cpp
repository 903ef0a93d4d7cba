// SPDX-License-Identifier: Apache-2.0
#include "comm/patience.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/signals_blocked.hpp"
#include "talweg/communicator.hpp"
#include "talweg/error.hpp"
#include "talweg/log.hpp"

namespace talweg::comm {
namespace {

using std::chrono::duration;

/// The rank of `process`, if Open MPI has started it.
std::string rank_text(const std::filesystem::path& process) {
  constexpr std::string_view kKey = "OMPI_COMM_WORLD_RANK=";
  std::ifstream environment(process / "environ", std::ios::binary);
  for (std::string entry; std::getline(environment, entry, '\0');) {
    if (entry.starts_with(kKey)) return "rank " + entry.substr(kKey.size()) + " ";
  }
  return "";
}

/// The siblings of this process that are stopped (by a signal or a debugger).
std::string stopped_siblings() {
  std::string text;
  std::error_code ignored;
  using Iterator = std::filesystem::directory_iterator;
  for (Iterator process("/proc", ignored); process != Iterator(); process.increment(ignored)) {
    const std::string name = process->path().filename().string();
    if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::ifstream in(process->path() / "stat");
    const std::string stat((std::istreambuf_iterator<char>(in)), {});
    std::istringstream after_name(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
    char state = '?';
    pid_t parent = 0;
    after_name >> state >> parent;
    if (parent != getppid() || (state != 'T' && state != 't')) continue;
    text += fmt::format("{}{}(process {})", text.empty() ? "" : ", ", rank_text(process->path()), name);
  }
  return text;
}

[[noreturn]] void give_up(const std::string& why) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  base::say(stderr, fmt::format("rank {} on {} (process {}): {}\n", launched_rank().value_or(0), host.data(), getpid(), why));
  std::_Exit(static_cast<int>(base::ExitCode::peer_lost));
}

}  // namespace

Patience::Patience(double seconds, std::string what) {
  if (seconds <= 0) return;
  auto wait = [seconds, what = std::move(what), parent = launched_rank() ? getppid() : 0](const std::stop_token& stop) {
    const double period = std::min(1.0, seconds / 10);
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    // Counted in periods, so that time in which the machine slept does not count.
    for (double waited = 0; waited < seconds; waited += period) {
      if (wake.wait_for(lock, stop, duration<double>(period), [&] { return stop.stop_requested(); })) return;
      if (parent != 0 && getppid() != parent) give_up("the process that has started this one is gone");
    }
    const std::string stopped = stopped_siblings();
    give_up(fmt::format("waited {:g} s for {}: {}", seconds, what,
                        stopped.empty() ? "another rank is stopped, stuck, or was never there" : stopped + " does not run"));
  };
  const base::SignalsBlocked blocked;
  try {
    thread_ = std::jthread(std::move(wait));
  } catch (const std::system_error&) {
    return;  // no thread could be started: MPI then waits as long as it wants
  }
}

}  // namespace talweg::comm
