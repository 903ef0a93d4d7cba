// SPDX-License-Identifier: Apache-2.0
// The bytes of a finished HDF5 file.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

namespace talweg::h5 {

/// The bytes of a closed in-memory file, exactly as they belong on disk, user block first. Taken from HDF5 without a copy.
class Image {
 public:
  Image() = default;
  /// Takes over `data`, which came from malloc.
  Image(void* data, std::size_t size) : data_(static_cast<std::byte*>(data)), size_(size) {}

  [[nodiscard]] std::span<std::byte> bytes() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace talweg::h5
