// SPDX-License-Identifier: Apache-2.0
#include "io/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/system_error.hpp"

namespace talweg::io {
namespace {

// A killed process holds its lock until the kernel has cleaned up, which may take a while on a busy machine. And held() takes
// the lock for a moment.
constexpr std::chrono::seconds kPatience(3);
constexpr std::chrono::milliseconds kPause(10);

/// Opens the file for writing, as NFS requires. If it belongs to another user, opens it for reading, which is enough on other
/// file systems.
int open_for_lock(const std::filesystem::path& file) {
  constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | kFlags, 0666);
  if (descriptor >= 0 || errno != EACCES) return descriptor;
  const int reading = open(file.c_str(), O_RDONLY | kFlags);
  if (errno == ENOENT) errno = EACCES;  // the file cannot be created
  return reading;
}

/// Tries to take the lock. Returns 0 if it is ours now, or if the file system has no locks; else the errno.
int in_the_way(int descriptor) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return 0;
  return errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL ? 0 : errno;
}
/// A directory that cannot be locked, as on NFS, is skipped: its file is locked.
bool directory_is_free(int descriptor) {
  const int error = descriptor < 0 ? 0 : in_the_way(descriptor);
  return error != EWOULDBLOCK && error != EINTR;
}

bool held_by_another(int descriptor) {
  if (descriptor < 0) return false;
  const bool held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return held;
}

int open_directory(const std::filesystem::path& directory) {
  return open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory)
    : directory_(open_directory(directory)), file_(open_for_lock(directory / kFile)) {
  const int error = errno;
  if (file_ < 0) {
    release();
    base::fail(base::exit_code_of(error, base::ExitCode::cannot_create), "{}: cannot open it to lock the run directory: {}",
               (directory / kFile).string(), std::generic_category().message(error));
  }
  const auto until = std::chrono::steady_clock::now() + kPatience;
  int why = EWOULDBLOCK;
  while (true) {
    if (directory_is_free(directory_)) {
      why = in_the_way(file_);
      if (why == 0) return;
      if (why != EWOULDBLOCK && why != EINTR) break;
    }
    if (std::chrono::steady_clock::now() > until) break;
    std::this_thread::sleep_for(kPause);
  }
  release();
  if (why != EWOULDBLOCK && why != EINTR) {
    base::fail(base::ExitCode::cannot_create, "{}: cannot lock the run directory by it: {}", (directory / kFile).string(),
               std::generic_category().message(why));
  }
  base::fail(base::ExitCode::cannot_create, "{}: another talweg is writing here, expected this run to be the only one",
             directory.string());
}

bool DirectoryLock::held(const std::filesystem::path& directory) {
  return held_by_another(open_directory(directory)) ||
         held_by_another(open((directory / kFile).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

void DirectoryLock::expect_locked(const std::filesystem::path& directory) const {
  struct stat ours {};
  struct stat there {};
  if (directory_ < 0 || fstat(directory_, &ours) != 0) return;
  if (stat(directory.c_str(), &there) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return;  // a process that writes there will get the error itself
  } else if (there.st_dev == ours.st_dev && there.st_ino == ours.st_ino) {
    return;
  }
  base::fail(base::ExitCode::io, "{}: found it removed or replaced, expected the directory this run has locked",
             directory.string());
}

DirectoryLock::~DirectoryLock() { release(); }

void DirectoryLock::release() {
  for (const int descriptor : {directory_, file_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

}  // namespace talweg::io
