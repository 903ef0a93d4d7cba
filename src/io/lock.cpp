// SPDX-License-Identifier: Apache-2.0
#include "talweg/io/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "talweg/base/error.hpp"

namespace talweg::io {
namespace {

// A process that was killed holds its lock until the kernel has taken it apart, which on a busy machine takes a while; held()
// takes the lock for a moment.
constexpr std::chrono::seconds kPatience(3);
constexpr std::chrono::milliseconds kPause(10);

/// The file, open for writing, as NFS wants it; for reading where it is another user's, which is enough elsewhere.
int open_for_lock(const std::filesystem::path& file) {
  constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | kFlags, 0666);
  return descriptor >= 0 || errno != EACCES ? descriptor : open(file.c_str(), O_RDONLY | kFlags);
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory) : descriptor_(open_for_lock(directory / kFile)) {
  if (descriptor_ < 0) {
    base::fail(base::ExitCode::cannot_create, "{}: cannot open it to lock the run directory: {}", (directory / kFile).string(),
               std::generic_category().message(errno));
  }
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    if (std::chrono::steady_clock::now() > until) break;
    std::this_thread::sleep_for(kPause);
  }
  close(descriptor_);
  base::fail(base::ExitCode::cannot_create, "{}: another talweg is writing here, expected this run to be the only one",
             directory.string());
}

bool DirectoryLock::held(const std::filesystem::path& directory) {
  const int descriptor = open((directory / kFile).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool taken = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return taken;
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace talweg::io
