// SPDX-License-Identifier: Apache-2.0
#include "io/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/system_error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
namespace fs = std::filesystem;

[[noreturn]] void fail_errno(int error, ExitCode otherwise, const fs::path& path, const char* action) {
  base::fail(base::exit_code_of(error, otherwise), "{}: cannot {}: {}", path.string(), action,
             std::generic_category().message(error));
}

}  // namespace

Descriptor open_file(const fs::path& path) {
  Descriptor file(
      ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // O_NONBLOCK: opening a pipe without a writer must not hang
  if (file.get() < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    fail_errno(errno, missing ? ExitCode::input_missing : ExitCode::io, path, "open the file");
  }
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) fail_errno(errno, ExitCode::io, path, "read");
  if (!S_ISREG(facts.st_mode))
    base::fail(ExitCode::bad_data, "{}: cannot read: found something that is no regular file", path.string());
  return file;
}

void read_parts(int file, std::int64_t begin, std::int64_t end, const std::string& name,
                const std::function<void(std::span<const std::byte>)>& take) {
  std::vector<std::byte> part(static_cast<std::size_t>(std::clamp<std::int64_t>(end - begin, 0, std::int64_t{1} << 18)));
  while (begin < end) {
    const auto want = static_cast<std::size_t>(std::min<std::int64_t>(end - begin, static_cast<std::int64_t>(part.size())));
    const ssize_t got = ::pread(file, part.data(), want, begin);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(errno, ExitCode::io, name, "read");
    if (got == 0) break;  // the file was truncated while we read it
    take(std::span(part).first(static_cast<std::size_t>(got)));
    begin += got;
  }
}

std::int64_t bytes_in(int file) {
  struct stat facts {};
  return ::fstat(file, &facts) == 0 ? std::int64_t{facts.st_size} : 0;
}

std::vector<std::byte> read_file(const fs::path& path) {
  const Descriptor file = open_file(path);
  const std::int64_t size = bytes_in(file.get());
  std::vector<std::byte> content;
  content.reserve(static_cast<std::size_t>(size));
  read_parts(file.get(), 0, size, path.string(),
             [&](std::span<const std::byte> part) { content.insert(content.end(), part.begin(), part.end()); });
  return content;
}

}  // namespace talweg::io
