// SPDX-License-Identifier: Apache-2.0
// One way to read a file, plain or gzipped: bytes or lines, in order, with errors that name the file.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::data {

class Stream {
 public:
  /// Error(input_missing | permission | bad_data) when it does not exist, may not be read, or is a directory, pipe or device.
  explicit Stream(const std::filesystem::path& file);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Up to out.size() bytes; fewer only at the end. Error(bad_data) when the gzip stream is damaged or cut off.
  std::size_t read(std::span<std::byte> out);
  /// Error(bad_data) when the file is too small to hold `bytes` (deflate packs at most 1032 into one): called before memory is
  /// allocated for what a header claims.
  void expect_room(std::uint64_t bytes) const;
  /// The next line without its end (LF or CR LF); false at the end.
  bool line(std::string_view& out);
  /// Of the last line, from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }

 private:
  bool fill();
  std::string name_;
  gzFile file_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool finished_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace talweg::data
