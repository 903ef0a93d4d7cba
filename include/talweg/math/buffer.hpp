// SPDX-License-Identifier: Apache-2.0
// A zero-initialised array on a 64-byte boundary: vector kernels see the same alignment whoever allocated it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace talweg::math {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) { resize(size); }

  /// Grows without keeping the contents; a smaller size keeps the memory. New memory is zero.
  void resize(std::size_t size) {
    if (size > capacity_) {
      data_.reset(static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{64})));
      std::uninitialized_fill_n(data_.get(), size, T{});
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
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace talweg::math
