// SPDX-License-Identifier: Apache-2.0
// Memory in whole pages, zero at first, of this process alone. Pages come when used: large ones where the system gives them
// (transparent huge pages), since each first use of a small page costs a trap into the system, which under a hypervisor takes
// longer than filling the page.
#pragma once

#include <cstddef>
#include <span>

namespace talweg::base {

class Pages {
 public:
  Pages() = default;
  /// Error(internal) when the system has no such memory.
  explicit Pages(std::size_t bytes);
  ~Pages();
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// Gives the whole pages among these bytes back to the system: zero again, and no memory until used.
  void forget(std::size_t first, std::size_t bytes);

 private:
  std::span<std::byte> bytes_;
};

/// [first, first + bytes) of `memory` without the pages that lie only partly in it.
std::span<std::byte> whole_pages(std::span<std::byte> memory, std::size_t first, std::size_t bytes);

}  // namespace talweg::base
