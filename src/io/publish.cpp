// SPDX-License-Identifier: Apache-2.0
#include "talweg/io/publish.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "io/descriptor.hpp"
#include "talweg/base/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
namespace fs = std::filesystem;

constexpr const char* kTemporaryEnding = ".tmp";

fs::path directory_of(const fs::path& path) { return path.parent_path().empty() ? fs::path(".") : path.parent_path(); }

[[noreturn]] void fail_errno(int error, ExitCode otherwise, const fs::path& path, const char* action) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  base::fail(denied ? ExitCode::permission : otherwise, "{}: cannot {}: {}", path.string(), action,
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
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  constexpr mode_t kMode = 0666;  // less the user's mask
  int file = ::open(temporary.c_str(), kFlags, kMode);
  if (file < 0 && errno == EEXIST) {  // left by a process with our number that was killed
    ::unlink(temporary.c_str());
    file = ::open(temporary.c_str(), kFlags, kMode);
  }
  if (file < 0) fail_errno(errno, ExitCode::cannot_create, path, "create the file");
  return Descriptor(file);
}

void sync_directory(const fs::path& path) {
  const fs::path directory = directory_of(path);
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) fail_errno(errno, ExitCode::io, directory, "open the directory");
  // Some file systems have no such thing as a directory to sync.
  if (::fsync(opened.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    fail_errno(errno, ExitCode::io, directory, "bring the directory to the disk");
  }
}

}  // namespace

void publish(const fs::path& path, std::span<const std::byte> content) {
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there)) {
    base::fail(ExitCode::cannot_create, "{}: cannot create the file: found something that is no regular file", path.string());
  }
  Temporary temporary(directory_of(path) / fmt::format(".{}.{}{}", path.filename().string(), ::getpid(), kTemporaryEnding));
  Descriptor file = create_new(temporary.path(), path);
  if (const int error = write_all(file.get(), content)) fail_errno(error, ExitCode::io, path, "write");
  // An error here is final: the kernel may have dropped the pages, so a second fsync would prove nothing.
  if (::fsync(file.get()) != 0) fail_errno(errno, ExitCode::io, path, "bring the file to the disk");
  if (file.close() != 0) fail_errno(errno, ExitCode::io, path, "close the file");
  if (::rename(temporary.path().c_str(), path.c_str()) != 0)
    fail_errno(errno, ExitCode::cannot_create, path, "rename the new file");
  temporary.keep();
  sync_directory(path);
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

std::vector<std::byte> read_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    fail_errno(errno, missing ? ExitCode::input_missing : ExitCode::io, path, "open the file");
  }
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) fail_errno(errno, ExitCode::io, path, "read");
  if (!S_ISREG(facts.st_mode))
    base::fail(ExitCode::bad_data, "{}: cannot read: found something that is no regular file", path.string());
  std::vector<std::byte> content(static_cast<std::size_t>(facts.st_size));
  std::size_t have = 0;
  while (have < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(errno, ExitCode::io, path, "read");
    if (got == 0) break;  // it was cut while we read
    have += static_cast<std::size_t>(got);
  }
  content.resize(have);
  return content;
}

}  // namespace talweg::io
