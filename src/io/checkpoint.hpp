// SPDX-License-Identifier: Apache-2.0
// A checkpoint: everything a run needs to go on, in one file that is verified before it is parsed. Layout: FORMAT.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/tensor.hpp"

namespace talweg::io {

/// The transform of the features.
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

/// Reads the file once, into memory. Error(input_missing) when it is not there. Error(bad_data) naming the file, what was found
/// and what was expected when it is truncated, no checkpoint, damaged (its hash differs), of a newer format, or has values that
/// expect_finite() refuses. The HDF5 parser sees no byte before the hash has been checked.
Checkpoint load(const std::filesystem::path& file);
/// The same from the content of a file that was read elsewhere; error messages call it `name`.
Checkpoint load_image(const std::vector<std::byte>& content, const std::string& name);

/// Error(diverged) naming `file`, tensor and element if a parameter or state vector is not finite, or a number is NaN (best
/// values may be infinite).
void expect_finite(const Checkpoint& checkpoint, const std::string& file);

/// Writes the file atomically. Refuses what expect_finite() does; otherwise the errors of write_atomically().
void save_as(const std::filesystem::path& file, const Checkpoint& checkpoint);

}  // namespace talweg::io
