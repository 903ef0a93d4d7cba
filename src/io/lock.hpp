// SPDX-License-Identifier: Apache-2.0
// One writer per run directory. The kernel drops the locks with the process, so a kill leaves nothing behind but an empty file.
// Two things are locked: the directory, which nobody can take away meanwhile, and a file in it that is open for writing, since
// NFS lets nobody lock a directory, and takes the file's lock between hosts.
#pragma once

#include <filesystem>

namespace talweg::io {

class DirectoryLock {
 public:
  static constexpr const char* kFile = "lock";
  /// Error(cannot_create) when another process holds it, and goes on to for three seconds, and when the file cannot be
  /// opened. File systems that know no locks let everybody in.
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  /// Error(io) when `directory` is no longer what is locked: somebody has removed or replaced it, and another run may write
  /// there.
  void expect_locked(const std::filesystem::path& directory) const;
  /// True when some process holds the directory now.
  static bool held(const std::filesystem::path& directory);
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  void release();
  int directory_;
  int file_;
};

}  // namespace talweg::io
