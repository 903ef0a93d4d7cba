// SPDX-License-Identifier: Apache-2.0
// Files that are there in full or not at all, whatever is killed when.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace talweg::io {

/// Puts `content` at `path`, all or nothing: temporary name in the same directory, write, fsync, rename, fsync the directory.
/// On failure the old file stands and the temporary one is gone: Error(permission), Error(cannot_create) where the file or its
/// directory cannot be made, Error(io) while writing (disk full); the message names the file and the system's reason. What is
/// there and is no regular file (a directory, a device) is not replaced: Error(cannot_create).
void publish(const std::filesystem::path& path, std::span<const std::byte> content);

/// Renames `file` to the first of file.<why>, file.<why>.2, ... that nobody has, and returns that. Error(io) naming the
/// file.
std::filesystem::path set_aside(const std::filesystem::path& file, const std::string& why);

/// Removes what publish() calls that were killed have left in `directory`. No other program may be publishing there.
void remove_leftovers(const std::filesystem::path& directory);

/// The whole file. Error(input_missing), Error(permission) or Error(io) naming it.
std::vector<std::byte> read_file(const std::filesystem::path& path);

}  // namespace talweg::io
