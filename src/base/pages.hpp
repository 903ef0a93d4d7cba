// SPDX-License-Identifier: Apache-2.0
// Private memory in whole pages, initially zero. The system provides pages at their first use: large ones if it can
// (transparent huge pages), because the first use of a small page is a trap into the kernel, which under a hypervisor takes
// longer than filling the page.
#pragma once

#include <cstddef>
#include <span>

namespace talweg::base {

class Pages {
 public:
  Pages() = default;
  /// Error(internal) when the system cannot provide the memory.
  explicit Pages(std::size_t bytes);
  ~Pages();
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// Returns the whole pages among these bytes to the system: they are zero again, and take no memory until used.
  void forget(std::size_t first, std::size_t bytes);

 private:
  std::span<std::byte> bytes_;
};

/// [first, first + bytes) of `memory` without the pages that lie only partly in it.
std::span<std::byte> whole_pages(std::span<std::byte> memory, std::size_t first, std::size_t bytes);

}  // namespace talweg::base
