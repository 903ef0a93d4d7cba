// SPDX-License-Identifier: Apache-2.0
// A checkpoint as a file.
#pragma once

#include <filesystem>
#include <string>

#include "h5/file.hpp"
#include "io/checkpoint.hpp"
#include "io/descriptor.hpp"

namespace talweg::io {

/// save_as(), and the file it has written.
Descriptor write_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint);

/// Puts the checkpoint below the root of an empty file; `name` is for messages.
void fill(h5::Group root, const Checkpoint& checkpoint, const std::string& name);

/// Error(bad_data) naming what is missing or has the wrong type.
Checkpoint from_file(const h5::File& file, const std::string& name);

}  // namespace talweg::io
