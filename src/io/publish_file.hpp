// SPDX-License-Identifier: Apache-2.0
// publish() for content that is written in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "io/descriptor.hpp"

namespace talweg::io {

/// As publish(): `write` fills an empty file, open for reading and writing, that takes the place of `path` when it is on the
/// disk. What `write` throws leaves the old file there. Returns the new one.
Descriptor publish_file(const std::filesystem::path& path, const std::function<void(int)>& write);

/// publish_file() but for the last step: until sync_directory(path) has returned, a crash may bring the old file back.
Descriptor replace_file(const std::filesystem::path& path, const std::function<void(int)>& write);

/// The names in the directory of `path` are on the disk. Error(io) naming the directory.
void sync_directory(const std::filesystem::path& path);

/// The name of a file on its way to `path`; remove_leftovers() knows it.
std::filesystem::path temporary_for(const std::filesystem::path& path);

/// The file, open for reading. Error(input_missing), Error(permission), Error(io) or, for what is no regular file,
/// Error(bad_data) naming it.
Descriptor open_file(const std::filesystem::path& path);

/// The length of an open file.
std::int64_t bytes_in(int file);

/// Calls `take` with the bytes of an open file from `begin` to `end`, in order, a part at a time; `name` is for messages.
void read_parts(int file, std::int64_t begin, std::int64_t end, const std::string& name,
                const std::function<void(std::span<const std::byte>)>& take);

}  // namespace talweg::io
