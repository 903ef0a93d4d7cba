// SPDX-License-Identifier: Apache-2.0
// Memory that processes of one user on one machine share: an unnamed file (memfd), which the others open through /proc. It
// needs no space in /dev/shm, and disappears with the last process, however that ends.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace talweg::comm {

/// By which another process finds it.
struct MappingName {
  pid_t process = 0;
  int descriptor = -1;
  std::size_t bytes = 0;
};

class Mapping {
 public:
  /// New memory, initially zero; pages are allocated at their first use. Error(internal) if the system cannot provide it.
  explicit Mapping(std::size_t bytes);
  /// Maps another process's memory. Error(internal) if this process is not allowed to.
  explicit Mapping(const MappingName& name);
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;

  [[nodiscard]] MappingName name() const;
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// Returns the whole pages among these bytes to the system, for all processes that share them: they are zero again, and take
  /// no memory until used.
  void forget(std::size_t first, std::size_t bytes);
  /// Other processes can no longer map it; those that have mapped it keep it.
  void close_file();

 private:
  void map(std::size_t bytes);
  int descriptor_ = -1;
  std::span<std::byte> bytes_;
};

}  // namespace talweg::comm
