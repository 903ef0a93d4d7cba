// SPDX-License-Identifier: Apache-2.0
// The .npy format: a text header (a Python dictionary), then the elements.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "io/tensor.hpp"

namespace talweg::io {

std::vector<std::byte> to_npy(const StoredTensor& tensor);

/// The array in `content`, called `name`. Error(bad_data) beginning with `where` (file and member).
StoredTensor from_npy(std::span<const std::byte> content, std::string name, const std::string& where);

}  // namespace talweg::io
