// SPDX-License-Identifier: Apache-2.0
// One writer per run directory. The kernel releases the locks with the process, so a kill leaves only an empty file behind.
// Two things are locked: the directory itself, because a file in it may be deleted meanwhile, and a file in it that is open for
// writing, because NFS cannot lock a directory but locks files across hosts.
#pragma once

#include <filesystem>

namespace talweg::io {

class DirectoryLock {
 public:
  static constexpr const char* kFile = "lock";
  /// Error(cannot_create) when another process holds the lock for three more seconds, or when the file cannot be opened. On
  /// file systems without locks it always succeeds.
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  /// Error(io) when `directory` is no longer the locked one: it was removed or replaced, and another run may write there.
  void expect_locked(const std::filesystem::path& directory) const;
  /// True if a process holds the lock now.
  static bool held(const std::filesystem::path& directory);
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  void release();
  int directory_;
  int file_;
};

}  // namespace talweg::io
