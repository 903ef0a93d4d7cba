// SPDX-License-Identifier: Apache-2.0
#include "io/publish.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/system_error.hpp"
#include "io/descriptor.hpp"
#include "io/publish_file.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
namespace fs = std::filesystem;

constexpr const char* kTemporaryEnding = ".tmp";

fs::path directory_of(const fs::path& path) { return path.parent_path().empty() ? fs::path(".") : path.parent_path(); }

[[noreturn]] void fail_errno(int error, ExitCode otherwise, const fs::path& path, const char* action) {
  base::fail(base::exit_code_of(error, otherwise), "{}: cannot {}: {}", path.string(), action,
             std::generic_category().message(error));
}

/// A file that is removed unless it was kept.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  void keep() { kept_ = true; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  bool kept_ = false;
};

Descriptor create_new(const fs::path& temporary, const fs::path& path) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  constexpr mode_t kMode = 0666;  // less the user's mask
  int file = ::open(temporary.c_str(), kFlags, kMode);
  if (file < 0 && errno == EEXIST) {  // left by a process with our number that was killed
    ::unlink(temporary.c_str());
    file = ::open(temporary.c_str(), kFlags, kMode);
  }
  if (file < 0) fail_errno(errno, ExitCode::cannot_create, path, "create the file");
  return Descriptor(file);
}

}  // namespace

void sync_directory(const fs::path& path) {
  const fs::path directory = directory_of(path);
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) fail_errno(errno, ExitCode::io, directory, "open the directory");
  // Some file systems have no such thing as a directory to sync.
  if (::fsync(opened.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    fail_errno(errno, ExitCode::io, directory, "bring the directory to the disk");
  }
}

fs::path temporary_for(const fs::path& path) {
  return directory_of(path) / fmt::format(".{}.{}{}", path.filename().string(), ::getpid(), kTemporaryEnding);
}

Descriptor replace_file(const fs::path& path, const std::function<void(int)>& write) {
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there)) {
    base::fail(ExitCode::cannot_create, "{}: cannot create the file: found something that is no regular file", path.string());
  }
  Temporary temporary(temporary_for(path));
  Descriptor file = create_new(temporary.path(), path);
  write(file.get());
  // An error here is final: the kernel may have dropped the pages, so a second fsync would prove nothing.
  if (::fsync(file.get()) != 0) fail_errno(errno, ExitCode::io, path, "bring the file to the disk");
  if (::rename(temporary.path().c_str(), path.c_str()) != 0)
    fail_errno(errno, ExitCode::cannot_create, path, "rename the new file");
  temporary.keep();
  return file;
}

Descriptor publish_file(const fs::path& path, const std::function<void(int)>& write) {
  Descriptor file = replace_file(path, write);
  sync_directory(path);
  return file;
}

void publish(const fs::path& path, std::span<const std::byte> content) {
  Descriptor file = publish_file(path, [&](int descriptor) {
    if (const int error = write_all(descriptor, content)) fail_errno(error, ExitCode::io, path, "write");
  });
  if (file.close() != 0) fail_errno(errno, ExitCode::io, path, "close the file");
}

fs::path set_aside(const fs::path& file, const std::string& why) {
  std::error_code error;
  const std::string aside = file.string() + "." + why;
  fs::path free = aside;
  for (int k = 2; fs::exists(fs::symlink_status(free, error)); ++k) free = aside + "." + std::to_string(k);
  fs::rename(file, free, error);
  if (error) base::fail(ExitCode::io, "{}: cannot be set aside: {}", file.string(), error.message());
  return free;
}

void remove_leftovers(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') || !name.ends_with(kTemporaryEnding)) continue;
    std::error_code ignored;
    fs::remove(entry.path(), ignored);
  }
}

Descriptor open_file(const fs::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // a pipe nobody writes to is no reason to wait
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
    if (got == 0) break;  // it was cut while we read
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
