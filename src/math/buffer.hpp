// SPDX-License-Identifier: Apache-2.0
// A zero-initialised array of numbers on a 64-byte boundary: so vector kernels always see the same alignment.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "base/pages.hpp"

namespace talweg::math {

template <class T>
class Buffer {
  static_assert(std::is_arithmetic_v<T>);  // zero is all zero bytes

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) { resize(size); }

  /// Grows without keeping the contents; a smaller size keeps the memory. New memory is zero.
  void resize(std::size_t size) {
    if (size > capacity_) {
      data_.reset();
      data_ = size * sizeof(T) < kLarge ? small(size) : large(size);
      capacity_ = size;
    }
    size_ = size;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] T& operator[](std::size_t i) { return data_.get()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_.get()[i]; }
  [[nodiscard]] std::span<T> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_.get(), size_}; }

 private:
  static constexpr std::size_t kLarge = std::size_t{1} << 20;  // from this many bytes on separate pages are worth it
  struct Free {
    base::Pages pages;  // owns the memory of a large buffer
    void operator()(T* p) const {
      if (pages.bytes().empty()) ::operator delete (p, std::align_val_t{64});
    }
  };
  using Memory = std::unique_ptr<T, Free>;

  static Memory small(std::size_t size) {
    Memory memory(static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{64})));
    std::uninitialized_fill_n(memory.get(), size, T{});
    return memory;
  }
  static Memory large(std::size_t size) {
    base::Pages pages(size * sizeof(T));
    T* const data = reinterpret_cast<T*>(pages.bytes().data());
    return Memory(data, Free{std::move(pages)});
  }

  Memory data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace talweg::math
