// SPDX-License-Identifier: Apache-2.0
// A disk that fails, for LD_PRELOAD: calls that change something below a folder are counted, and the N-th one fails.
//   FAILING_FOLDER   only what lies below it counts
//   FAILING_AT       N, from 1; 0 or none: none fails
//   FAILING_HOW      kill: SIGKILL instead of the call; hang: it never returns; short: half of a write; else errno as a number
//   FAILING_READS    1: what is opened for reading counts, too
//   FAILING_RANK     only on this rank
//   FAILING_LOG      a file that gets a line a call: its name and the file's
//   FAILING_END      1: SIGSTOP as MPI is to end
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

std::array<std::atomic<bool>, 4096> below;  // by descriptor

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool this_rank() {
  const std::string rank = setting("FAILING_RANK");
  return rank.empty() || rank == setting("OMPI_COMM_WORLD_RANK");
}

bool lies_below(const char* path) {
  const std::string folder = setting("FAILING_FOLDER");
  if (!this_rank()) return false;
  return !folder.empty() && std::strncmp(path, folder.c_str(), folder.size()) == 0;
}

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

void log(const char* call, const char* path) {
  const char* file = setting("FAILING_LOG");
  if (*file == '\0') return;
  const int to = next<int (*)(const char*, int, ...)>("open")(file, O_WRONLY | O_CREAT | O_APPEND, 0666);
  const std::string line = std::string(call) + " " + path + "\n";
  if (next<ssize_t (*)(int, const void*, size_t)>("write")(to, line.data(), line.size()) < 0) std::abort();
  close(to);
}

enum class Fate { done, failed, halved };

/// Decides whether this call is done; sets errno if it fails.
Fate fate(const char* call, const char* path, bool here, bool writes = false) {
  static std::mutex mutex;
  static long count = 0;
  if (!here) return Fate::done;
  const std::lock_guard lock(mutex);
  log(call, path);
  if (++count != std::atol(setting("FAILING_AT"))) return Fate::done;
  const std::string how = setting("FAILING_HOW");
  if (how == "kill") raise(SIGKILL);
  while (how == "hang") pause();
  if (how == "short") return writes ? Fate::halved : Fate::done;
  errno = std::atoi(how.c_str());
  return Fate::failed;
}

bool here(int file) {
  return file >= 0 && static_cast<std::size_t>(file) < below.size() && below[static_cast<std::size_t>(file)];
}

int opened(const char* name, const char* path, int flags, mode_t mode) {
  const bool counts = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 || *setting("FAILING_READS") == '1';
  const bool changes = counts && lies_below(path);
  if (fate("open", path, changes) == Fate::failed) return -1;
  const int file = next<int (*)(const char*, int, ...)>(name)(path, flags, mode);
  const bool watched = changes || ((flags & O_DIRECTORY) != 0 && lies_below(path));  // its fsync counts
  if (file >= 0 && static_cast<std::size_t>(file) < below.size()) below[static_cast<std::size_t>(file)] = watched;
  return file;
}

mode_t mode_of(int flags, va_list more) { return (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0; }

template <class Write>
ssize_t written(const char* call, int file, size_t bytes, Write write) {
  switch (fate(call, "", here(file), true)) {
    case Fate::failed:
      return -1;
    case Fate::halved:
      return write(bytes > 1 ? bytes / 2 : bytes);
    case Fate::done:
      break;
  }
  return write(bytes);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return opened("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return opened("open64", path, flags, mode);
}

ssize_t write(int file, const void* from, size_t bytes) {
  return written("write", file, bytes,
                 [&](size_t n) { return next<ssize_t (*)(int, const void*, size_t)>("write")(file, from, n); });
}

ssize_t pwrite(int file, const void* from, size_t bytes, off_t at) {
  return written("pwrite", file, bytes,
                 [&](size_t n) { return next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(file, from, n, at); });
}

ssize_t pwrite64(int file, const void* from, size_t bytes, off64_t at) {
  return written("pwrite", file, bytes,
                 [&](size_t n) { return next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64")(file, from, n, at); });
}

int ftruncate(int file, off_t length) noexcept {
  if (fate("ftruncate", "", here(file)) == Fate::failed) return -1;
  return next<int (*)(int, off_t)>("ftruncate")(file, length);
}

int fsync(int file) {
  std::array<char, 4096> path{};  // for the log
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  if (readlink(link.c_str(), path.data(), path.size() - 1) < 0) path[0] = '\0';
  if (fate("fsync", path.data(), here(file)) == Fate::failed) return -1;
  return next<int (*)(int)>("fsync")(file);
}

int rename(const char* from, const char* to) noexcept {
  if (fate("rename", to, lies_below(to)) == Fate::failed) return -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) noexcept {
  if (fate("unlink", path, lies_below(path)) == Fate::failed) return -1;
  return next<int (*)(const char*)>("unlink")(path);
}

int remove(const char* path) noexcept {
  if (fate("unlink", path, lies_below(path)) == Fate::failed) return -1;
  return next<int (*)(const char*)>("remove")(path);
}

int MPI_Finalize() {
  if (*setting("FAILING_END") == '1' && this_rank()) raise(SIGSTOP);
  return next<int (*)()>("MPI_Finalize")();
}

}  // extern "C"
