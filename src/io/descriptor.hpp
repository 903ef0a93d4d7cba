// SPDX-License-Identifier: Apache-2.0
// A file descriptor that is closed exactly once, and a write that continues until all is written.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

namespace talweg::io {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  [[nodiscard]] int get() const { return number_; }
  /// 0, or -1 with errno set.
  int close() { return number_ < 0 ? 0 : ::close(std::exchange(number_, -1)); }

 private:
  int number_ = -1;
};

/// 0, or the errno of the failure. Continues after short writes and interruptions.
inline int write_all(int file, std::span<const std::byte> content) {
  // Linux writes at most about 2 GiB at once.
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  while (!content.empty()) {
    const ssize_t wrote = ::write(file, content.data(), content.size() < kLargest ? content.size() : kLargest);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    content = content.subspan(static_cast<std::size_t>(wrote));
  }
  return 0;
}

}  // namespace talweg::io
