// SPDX-License-Identifier: Apache-2.0
// HDF5 files, written to a descriptor and read from one or from memory. HDF5 opens no file by itself and never sees a failed
// write: we keep the error and throw it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "h5/group.hpp"

namespace talweg::h5 {

class File {
 public:
  /// A new file in `descriptor`, an empty file open for reading and writing that must outlive this one. Format bounds V110
  /// (checksummed metadata), no time stamps: the same content is the same bytes. `name` is for messages; `user_block` is 0 or a
  /// power of two >= 512, and is left zero.
  static File create(std::string name, int descriptor, std::size_t user_block = 0);
  /// Opens the bytes of a file for reading, without a copy: `image` must outlive the File. Closing a File also closes every
  /// object that was opened from it. Error(bad_data) if it is no HDF5 file.
  static File open(std::string name, std::span<const std::byte> image);
  /// The same of an open file; only what is asked for is read.
  static File open(std::string name, int descriptor);

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  [[nodiscard]] Group root() const;
  /// Error(io) naming the file and the system's reason if something could not be written.
  void expect_written() const;
  /// Closes a created file with everything opened from it. The file is then complete, if not yet on the disk. The error of
  /// expect_written(); Error(internal) if HDF5 fails.
  void close();

 private:
  struct Below;  // driver and storage
  File(std::string name, std::unique_ptr<Below> below, Handle handle);
  static File open(std::string name, std::unique_ptr<Below> below);

  std::string name_;
  std::unique_ptr<Below> below_;  // outlives handle_: closing calls into it
  Handle handle_;
};

/// create(), `fill` with the root group, close(). If a write has failed, that is the error, whatever else failed because of it.
void write_file(const std::string& name, int descriptor, std::size_t user_block, const std::function<void(Group)>& fill);

}  // namespace talweg::h5
