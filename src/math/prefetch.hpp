// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace talweg::math {

/// How far ahead a sweep over several arrays prefetches: about a page, because hardware prefetchers stop at the end of a page.
inline constexpr std::size_t kAhead = 1024;

/// Asks the caches for `count` elements, which need not exist.
template <class T>
void prefetch(const T* at, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 64 / sizeof(T)) __builtin_prefetch(at + i);
}

/// Asks the caches for the `count` elements kAhead after `at`.
template <class T>
void prefetch_ahead(const T* at, std::size_t count) {
  prefetch(at + kAhead, count);
}

}  // namespace talweg::math
