// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/system_error.hpp"

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

/// Removes the file at the end of the scope unless keep() was called.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    if (!kept_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  void keep() { kept_ = true; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  bool kept_ = false;
};

Descriptor create_new(const fs::path& temporary, const fs::path& path) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  constexpr mode_t kMode = 0666;  // reduced by the umask
  int file = ::open(temporary.c_str(), kFlags, kMode);
  if (file < 0 && errno == EEXIST) {  // left by a killed process that had our process number
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
  // Some file systems cannot sync a directory.
  if (::fsync(opened.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    fail_errno(errno, ExitCode::io, directory, "bring the directory to the disk");
  }
}

fs::path temporary_name(const fs::path& path) {
  return directory_of(path) / fmt::format(".{}.{}{}", path.filename().string(), ::getpid(), kTemporaryEnding);
}

Descriptor replace_file(const fs::path& path, const std::function<void(int)>& write) {
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there)) {
    base::fail(ExitCode::cannot_create, "{}: cannot create the file: found something that is no regular file", path.string());
  }
  TemporaryFile temporary(temporary_name(path));
  Descriptor file = create_new(temporary.path(), path);
  write(file.get());
  // An error here is final: the kernel may have dropped the pages, so a second fsync would prove nothing.
  if (::fsync(file.get()) != 0) fail_errno(errno, ExitCode::io, path, "bring the file to the disk");
  if (::rename(temporary.path().c_str(), path.c_str()) != 0)
    fail_errno(errno, ExitCode::cannot_create, path, "rename the new file");
  temporary.keep();
  return file;
}

Descriptor write_atomically(const fs::path& path, const std::function<void(int)>& write) {
  Descriptor file = replace_file(path, write);
  sync_directory(path);
  return file;
}

void write_atomically(const fs::path& path, std::span<const std::byte> content) {
  Descriptor file = write_atomically(path, [&](int descriptor) {
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

}  // namespace talweg::io
