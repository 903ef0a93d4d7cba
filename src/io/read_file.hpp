// SPDX-License-Identifier: Apache-2.0
// Reading regular files, whole or in parts. A pipe or a device is an error, so that opening one cannot hang.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "io/descriptor.hpp"

namespace talweg::io {

/// The whole file. Error(input_missing), Error(permission) or Error(io) naming it.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// Opens the file for reading. Error(input_missing), Error(permission), Error(io), or Error(bad_data) if it is no regular file.
Descriptor open_file(const std::filesystem::path& path);

/// The length of an open file.
std::int64_t bytes_in(int file);

/// Calls `take` with the bytes of an open file from `begin` to `end`, in order, a part at a time; `name` is for messages. Ends
/// early when the file is shorter.
void read_parts(int file, std::int64_t begin, std::int64_t end, const std::string& name,
                const std::function<void(std::span<const std::byte>)>& take);

}  // namespace talweg::io
