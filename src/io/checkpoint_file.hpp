// SPDX-License-Identifier: Apache-2.0
// The HDF5 part of a checkpoint.
#pragma once

#include <string>

#include "h5/file.hpp"
#include "io/checkpoint.hpp"

namespace talweg::io {

/// Puts the checkpoint below the root of an empty file; `name` is for messages.
void fill(h5::Group root, const Checkpoint& checkpoint, const std::string& name);

/// Error(bad_data) naming what is missing or of another kind.
Checkpoint from_file(const h5::File& file, const std::string& name);

}  // namespace talweg::io
