// SPDX-License-Identifier: Apache-2.0
#include "base/pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "talweg/error.hpp"

namespace talweg::base {
namespace {

constexpr std::size_t kHuge = std::size_t{2} << 20;  // a large page of x86-64 and of most others

std::size_t rounded_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

Pages::Pages(std::size_t bytes) {
  // Large pages need memory that begins and ends at their boundaries: a little more is mapped and cut down to that.
  const bool huge = bytes >= kHuge / 2;
  const std::size_t size = huge ? rounded_up(bytes, kHuge) : std::max<std::size_t>(bytes, 1);
  const std::size_t mapped = huge ? size + kHuge : size;
  void* at = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) fail(ExitCode::internal, "cannot get {} bytes of memory: {}", bytes, std::strerror(errno));
  auto* begin = static_cast<std::byte*>(at);
  if (huge) {
    const std::size_t before = (kHuge - reinterpret_cast<std::uintptr_t>(at) % kHuge) % kHuge;
    if (before > 0) munmap(begin, before);
    begin += before;
    if (before < kHuge) munmap(begin + size, kHuge - before);
    madvise(begin, size, MADV_HUGEPAGE);  // only a request: the system may have none
  }
  bytes_ = {begin, size};
}

Pages::Pages(Pages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Pages& Pages::operator=(Pages&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Pages::~Pages() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

std::span<std::byte> whole_pages(std::span<std::byte> memory, std::size_t first, std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t begin = rounded_up(first, page);
  const std::size_t end = std::min(first + bytes, memory.size()) / page * page;
  return begin < end ? memory.subspan(begin, end - begin) : std::span<std::byte>();
}

void Pages::forget(std::size_t first, std::size_t bytes) {
  const auto whole = whole_pages(bytes_, first, bytes);
  if (!whole.empty() && madvise(whole.data(), whole.size(), MADV_DONTNEED) != 0) {
    fail(ExitCode::internal, "cannot return {} bytes of memory to the system: {}", whole.size(), std::strerror(errno));
  }
}

}  // namespace talweg::base
