// SPDX-License-Identifier: Apache-2.0
// Names in a run directory.
#pragma once

#include <filesystem>

namespace talweg::train {

struct RunDirectory {
  std::filesystem::path root;
  [[nodiscard]] std::filesystem::path config() const { return root / "config.toml"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] std::filesystem::path best() const { return checkpoints() / "best.h5"; }
  [[nodiscard]] std::filesystem::path summary() const { return root / "summary.json"; }
  /// While it is there the run that goes on is asked to stop; the next one removes it.
  [[nodiscard]] std::filesystem::path stop() const { return root / "stop"; }
};

/// runs/<config stem> beside the config.
inline std::filesystem::path default_run(const std::filesystem::path& config) {
  return config.parent_path() / "runs" / config.stem();
}

}  // namespace talweg::train
