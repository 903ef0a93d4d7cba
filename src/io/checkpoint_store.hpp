// SPDX-License-Identifier: Apache-2.0
// The checkpoints of a run directory: written, found again, and removed when newer ones have taken their place.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "io/checkpoint.hpp"
#include "talweg/log.hpp"

namespace talweg::io {

/// `directory`/step-%09d.h5.
std::filesystem::path checkpoint_file(const std::filesystem::path& directory, std::int64_t step);

struct CheckpointFile {
  std::filesystem::path path;
  std::int64_t step;
};

/// The files step-*.h5 there, damaged ones too, newest first; none when there is no such directory.
std::vector<CheckpointFile> checkpoints_in(const std::filesystem::path& directory);

/// The intact checkpoint with the largest step. Damaged ones are named in a warning with the reason, and stay where they are.
/// One of a newer format, or one that may not be read, is an Error: going on from an older one would lose it.
std::optional<CheckpointFile> newest_intact(const std::filesystem::path& directory, const base::Log& log);

/// For the process that writes the checkpoints of a directory. It remembers which files it has found intact, or has written
/// itself, and reads none of them again unless it has changed since. For one thread at a time.
class CheckpointStore {
 public:
  explicit CheckpointStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Writes checkpoint_file() and returns its path. The errors of save_as().
  std::filesystem::path save(const Checkpoint& checkpoint);

  struct Loaded {
    std::filesystem::path path;
    Checkpoint checkpoint;
  };
  /// Loads the file that the function newest_intact() finds, and reads it only once. Verifies it even if it is remembered.
  std::optional<Loaded> load_newest(const base::Log& log);

  /// Removes the checkpoints older than the newest `keep` (at least 1) intact ones from step `saved` down, and what killed
  /// writers left. Never best.h5, nor one of a later step, which is of another run or could not be read.
  void rotate(int keep, std::int64_t saved);

 private:
  /// Tells whether a file is still what it was: device, inode, size, and the times of its last change in nanoseconds (mtime,
  /// and ctime, which no program can set back).
  using Identity = std::array<std::int64_t, 5>;
  static Identity identity_of(int file);
  bool intact(const std::filesystem::path& file);

  std::filesystem::path directory_;
  std::map<std::filesystem::path, Identity> verified_;
};

}  // namespace talweg::io
