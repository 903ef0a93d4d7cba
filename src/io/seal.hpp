// SPDX-License-Identifier: Apache-2.0
// The 512 bytes before a checkpoint's HDF5 part: type, version, length, and the hash of the content.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "talweg/error.hpp"

namespace talweg::io {

constexpr std::size_t kSealBytes = 512;
constexpr unsigned kCheckpointVersion = 1;

/// The file is not as it was written: truncated, changed, or never a checkpoint.
class Damaged : public base::Error {
 public:
  using Error::Error;
};

/// Fills the first kSealBytes of an open file, after the rest has been written. Error(io) naming `name`.
void seal(int file, const std::string& name);

/// Throws Damaged, or Error(bad_data) for a newer format, naming `name`, what was found and what was expected.
void verify_seal(std::span<const std::byte> file, const std::string& name);
/// The same for an open file, which is read in parts.
void verify_seal(int file, const std::string& name);
/// The content of an open file after verify_seal(), for which it is read once.
std::vector<std::byte> read_sealed(int file, const std::string& name);

}  // namespace talweg::io
