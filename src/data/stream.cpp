// SPDX-License-Identifier: Apache-2.0
#include "data/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/system_error.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;
constexpr std::size_t kBuffer = 1 << 18;

}  // namespace

Stream::Stream(const std::filesystem::path& file) : name_(file.string()), file_(nullptr), buffer_(kBuffer) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    base::fail(ExitCode::bad_data, "{}: found a directory, expected a file", name_);
  if (std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored)) {
    base::fail(ExitCode::bad_data, "{}: found a pipe or a device, expected a file: it is read more than once", name_);
  }
  errno = 0;
  file_ = gzopen(name_.c_str(), "rb");
  if (file_ == nullptr) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    base::fail(missing ? ExitCode::input_missing : base::exit_code_of(error, ExitCode::io), "{}: cannot open: {}", name_,
               std::strerror(error));
  }
  gzbuffer(file_, kBuffer);
}

Stream::~Stream() {
  if (file_ != nullptr) gzclose(file_);
}

void Stream::expect_room(std::uint64_t bytes) const {
  constexpr std::uint64_t kDeflate = 1032;
  std::error_code ignored;
  const std::uint64_t size = std::filesystem::file_size(name_, ignored);
  const std::uint64_t most = gzdirect(file_) != 0 ? size : kDeflate * size;
  if (bytes > most) {
    base::fail(ExitCode::bad_data, "{}: found {} bytes{}, expected room for a record of {} as the header says", name_, size,
               gzdirect(file_) != 0 ? "" : " of gzip", bytes);
  }
}

std::size_t Stream::read(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    if (at_ == end_ && !fill()) break;
    const std::size_t count = std::min(end_ - at_, out.size() - done);
    std::memcpy(out.data() + done, buffer_.data() + at_, count);
    at_ += count;
    done += count;
  }
  return done;
}

/// Moves the bytes that are not yet taken to the front and reads more after them; false at the end of the file.
bool Stream::fill() {
  if (finished_) return false;
  std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
  end_ -= at_;
  at_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const int got = gzread(file_, buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
  int code = Z_OK;
  const char* reason = gzerror(file_, &code);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    base::fail(code == Z_ERRNO ? ExitCode::io : ExitCode::bad_data, "{}: cannot read: {}", name_,
               code == Z_BUF_ERROR ? "the gzip stream is cut off" : reason);
  }
  finished_ = got == 0;
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

bool Stream::line(std::string_view& out) {
  std::size_t searched = 0;
  while (true) {
    const char* begin = buffer_.data() + at_;
    const auto* newline = static_cast<const char*>(std::memchr(begin + searched, '\n', end_ - at_ - searched));
    searched = end_ - at_;
    std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - begin) : searched;
    if (newline == nullptr && fill()) continue;
    if (newline == nullptr && searched == 0) return false;
    begin = buffer_.data() + at_;
    at_ += length + (newline != nullptr ? 1 : 0);
    if (length > 0 && begin[length - 1] == '\r') --length;
    out = {begin, length};
    ++line_number_;
    return true;
  }
}

}  // namespace talweg::data
