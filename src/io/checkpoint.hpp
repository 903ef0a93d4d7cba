// SPDX-License-Identifier: Apache-2.0
// Checkpoints: everything a run needs to go on, in one file that is verified before it is parsed. Layout: FORMAT.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/tensor.hpp"
#include "talweg/log.hpp"

namespace talweg::io {

/// What was done to the features before training.
struct StoredTransform {
  std::string kind = "none";
  std::vector<double> shift;
  std::vector<double> scale;
};

struct Checkpoint {
  std::int64_t step = 0;
  std::map<std::string, std::int64_t> counters;
  std::map<std::string, double> scalars;
  std::map<std::string, std::vector<double>> arrays;
  std::vector<StoredTensor> parameters;                    // order is kept
  std::map<std::string, std::vector<StoredTensor>> state;  // by slot
  StoredTransform transform;
  std::size_t features = 0;
  std::vector<std::string> classes;
  std::string config;                             // resolved, TOML
  std::string fingerprint;                        // of the data
  std::string model;                              // one line for people
  std::map<std::string, std::string> attributes;  // anything else
};

/// Error(input_missing) when it is not there; Error(bad_data) naming the file, what was found and what was expected when it is
/// truncated, no checkpoint, damaged (hash), of a newer format, or has values that expect_finite() refuses. Not one byte
/// reaches the HDF5 parser before the hash fits.
Checkpoint load(const std::filesystem::path& file);
/// The same from a file's content, read elsewhere; `name` is what errors call it.
Checkpoint load_image(const std::vector<std::byte>& content, const std::string& name);

/// `directory`/step-%09d.h5.
std::filesystem::path checkpoint_file(const std::filesystem::path& directory, std::int64_t step);

/// Error(diverged) naming `file`, tensor and element if a parameter or state vector is not finite, or a number is NaN (best
/// values may be infinite).
void expect_finite(const Checkpoint& checkpoint, const std::string& file);

/// Publishes checkpoint_file() and returns its path. Refuses what expect_finite() does; otherwise the errors of publish().
std::filesystem::path save(const std::filesystem::path& directory, const Checkpoint& checkpoint);
void save_as(const std::filesystem::path& file, const Checkpoint& checkpoint);

struct Found {
  std::filesystem::path path;
  std::int64_t step;
};

/// The files step-*.h5 there, damaged ones too, newest first; none when there is no such directory.
std::vector<Found> checkpoints_in(const std::filesystem::path& directory);

/// The checkpoint with the largest step whose hash fits. Damaged ones are named in a warning with the reason, and stay where
/// they are. One of a newer format, or one that may not be read, is an Error: going on from an older one would lose it.
std::optional<Found> newest_intact(const std::filesystem::path& directory, const base::Log& log);

/// Removes the checkpoints older than the newest `keep` (at least 1) intact ones from step `saved` down, and what killed
/// writers left. Never best.h5, nor one of a later step, which is of another run or could not be read.
void rotate(const std::filesystem::path& directory, int keep, std::int64_t saved);

}  // namespace talweg::io
