// SPDX-License-Identifier: Apache-2.0
// A checkpoint as an HDF5 image and back; the seal is not looked at here.
#pragma once

#include <span>
#include <string>

#include "talweg/h5/image.hpp"
#include "talweg/io/checkpoint.hpp"

namespace talweg::io {

/// Refuses values that are not finite: Error(diverged).
h5::Image to_image(const Checkpoint& checkpoint, const std::string& name);

/// Error(bad_data) naming file and object where something is missing or not as FORMAT.md has it.
Checkpoint from_image(std::span<const std::byte> image, const std::string& name);

}  // namespace talweg::io
