// SPDX-License-Identifier: Apache-2.0
// A piece of memory that processes of one user on one machine can share: a file without a name (memfd), opened by the others
// through /proc. It needs no room in /dev/shm, and is gone with the last process however that ends.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace talweg::comm {

/// How another process finds it.
struct MappingName {
  pid_t process = 0;
  int descriptor = -1;
  std::size_t bytes = 0;
};

class Mapping {
 public:
  /// New memory, zero at first; pages come when used. Error(internal) when the system gives none.
  explicit Mapping(std::size_t bytes);
  /// Another process's. Error(internal) when this one may not see it.
  explicit Mapping(const MappingName& name);
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;

  [[nodiscard]] MappingName name() const;
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// Gives the whole pages among these bytes back to the system, for all who share them: zero again, and no memory until used.
  void forget(std::size_t first, std::size_t bytes);
  /// Nobody finds it any more; who has it keeps it.
  void close_file();

 private:
  void map(std::size_t bytes);
  int descriptor_ = -1;
  std::span<std::byte> bytes_;
};

}  // namespace talweg::comm
