// SPDX-License-Identifier: Apache-2.0
// Numbers in byte buffers, little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace talweg::io {

static_assert(std::endian::native == std::endian::little,
              "talweg's files are little-endian, and so are the machines it runs on");

/// The number at `offset`, which the caller knows to lie inside.
template <class T>
T get(std::span<const std::byte> bytes, std::size_t offset) {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

void put_bytes(std::vector<std::byte>& to, std::span<const std::byte> bytes);

/// Appends numbers of the types given.
template <class... T>
void put(std::vector<std::byte>& to, T... values) {
  static_assert((std::is_arithmetic_v<T> && ...));
  (put_bytes(to, std::as_bytes(std::span<const T, 1>(&values, 1))), ...);
}

}  // namespace talweg::io
