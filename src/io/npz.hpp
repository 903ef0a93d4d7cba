// SPDX-License-Identifier: Apache-2.0
// NumPy's files: .npz (a zip of arrays) and .npy (one array).
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "io/tensor.hpp"

namespace talweg::io {

/// All arrays of an .npz, stored or deflated; float32 or float64, little-endian, C order. Other types and any damage are an
/// Error(bad_data) naming file and member.
std::vector<StoredTensor> read_npz(const std::filesystem::path& file);

/// Stored (not compressed) zip, at most 4 GiB (else Error(cannot_create)); the same tensors give the same bytes.
void write_npz(const std::filesystem::path& file, const std::vector<StoredTensor>& tensors);

/// One float64 array. Error(internal) if `values` does not fit `shape`.
void write_npy(const std::filesystem::path& file, const std::vector<std::size_t>& shape, const std::vector<double>& values);

}  // namespace talweg::io
