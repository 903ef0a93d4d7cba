// SPDX-License-Identifier: Apache-2.0
// Files that are written completely or not at all, even when the process is killed meanwhile.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "io/descriptor.hpp"

namespace talweg::io {

/// Writes `content` to a temporary file in the same directory, fsyncs it, renames it to `path` and fsyncs the directory.
/// On failure the old file stays and the temporary one is removed: Error(permission), Error(cannot_create) when the file or its
/// directory cannot be made, Error(io) while writing (disk full). The message names the file and the system's reason. Only a
/// regular file is replaced; for a directory or a device Error(cannot_create).
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> content);

/// The same for content that is written in parts: `write` fills the temporary file, which is open for reading and writing. When
/// `write` throws, the old file stays. Returns the new file.
Descriptor write_atomically(const std::filesystem::path& path, const std::function<void(int)>& write);

/// write_atomically() without the fsync of the directory: until sync_directory(path) has returned, a crash may bring the old
/// file back.
Descriptor replace_file(const std::filesystem::path& path, const std::function<void(int)>& write);

/// Brings the names in the directory of `path` to the disk. Error(io) naming the directory.
void sync_directory(const std::filesystem::path& path);

/// The name of the temporary file for `path`. remove_leftovers() recognises it.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Removes the temporary files that killed processes have left in `directory`. No other process may be writing there.
void remove_leftovers(const std::filesystem::path& directory);

/// Renames `file` to the first unused name of file.<why>, file.<why>.2, ... and returns that name. Error(io) naming the file.
std::filesystem::path set_aside(const std::filesystem::path& file, const std::string& why);

}  // namespace talweg::io
