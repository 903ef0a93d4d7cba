// SPDX-License-Identifier: Apache-2.0
// An array on every rank of a node, each readable by all of them: what is to be summed is not sent.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "talweg/communicator.hpp"

namespace talweg::engine {

template <class T>
class SharedArray {
 public:
  SharedArray() = default;
  /// Collective over the node; zero at first.
  SharedArray(comm::Communicator& comm, std::size_t size)
      : place_(comm.node().place), size_(size), memory_(comm.share(size * sizeof(T))) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<T> part(int place) const {
    return {reinterpret_cast<T*>(memory_->part(place).data()), size_};  // a page's alignment is enough for any T
  }
  [[nodiscard]] std::span<T> mine() const { return part(place_); }
  /// Gives the pages of these elements of a part back to the system; their values are lost.
  void forget(int place, std::size_t first, std::size_t count) { memory_->forget(place, first * sizeof(T), count * sizeof(T)); }

 private:
  int place_ = 0;
  std::size_t size_ = 0;
  std::unique_ptr<comm::SharedMemory> memory_;
};

}  // namespace talweg::engine
