// SPDX-License-Identifier: Apache-2.0
// HDF5 files in memory: HDF5 never touches the disk, so a full disk or a kill cannot leave a half-written one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "talweg/h5/group.hpp"
#include "talweg/h5/image.hpp"

namespace talweg::h5 {

class File {
 public:
  /// A new file in memory, format bounds V110 (checksummed metadata), no time stamps. `name` is for messages; `user_block` is
  /// 0 or a power of two >= 512; `expected_bytes` is a hint that saves reallocations.
  static File create(std::string name, std::size_t user_block = 0, std::size_t expected_bytes = 0);
  /// Opens the bytes of a file for reading, without a copy: `image` must outlive the File. What was opened from a File, created
  /// or opened, is closed with it.
  /// Error(bad_data) if it is no HDF5 file.
  static File open(std::string name, std::span<const std::byte> image);

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  [[nodiscard]] Group root() const;
  /// Closes a created file with everything opened from it, and hands over its bytes. Error(internal) if HDF5 fails.
  Image close();

 private:
  struct Capture;  // the buffer of the core driver
  File(std::string name, std::size_t user_block, std::unique_ptr<Capture> capture, Handle handle);

  std::string name_;
  std::size_t user_block_ = 0;
  std::unique_ptr<Capture> capture_;  // outlives handle_: closing calls into it
  Handle handle_;
};

}  // namespace talweg::h5
