// SPDX-License-Identifier: Apache-2.0
// Names in a run directory, and the attributes by which one of its files refers to another.
#pragma once

#include <filesystem>

namespace talweg::io {

inline constexpr const char* kTraceFile = "trace.h5";
inline constexpr const char* kRowsFile = "trace.rows";

struct RunDirectory {
  std::filesystem::path root;
  [[nodiscard]] std::filesystem::path config() const { return root / "config.toml"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] std::filesystem::path best() const { return checkpoints() / "best.h5"; }
  [[nodiscard]] std::filesystem::path summary() const { return root / "summary.json"; }
  [[nodiscard]] std::filesystem::path trace() const { return root / kTraceFile; }
  [[nodiscard]] std::filesystem::path rows() const { return root / kRowsFile; }
  /// While this file exists, the run is asked to stop. The next start removes it.
  [[nodiscard]] std::filesystem::path stop() const { return root / "stop"; }
};

/// runs/<config stem>, next to the config.
inline std::filesystem::path default_run(const std::filesystem::path& config) {
  return config.parent_path() / "runs" / config.stem();
}

// Attributes of checkpoints that tell a file which was never written from one that was lost.
inline constexpr const char* kBest = "best";          // whether best.h5 was written "before" this checkpoint, or
inline constexpr const char* kAfter = "after";        // after it, as with the first checkpoint of a run
inline constexpr const char* kDiverged = "diverged";  // "ending" of a best.h5 in a run that left no checkpoint

}  // namespace talweg::io
