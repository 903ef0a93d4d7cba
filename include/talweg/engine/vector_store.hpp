// SPDX-License-Identifier: Apache-2.0
// The numbers behind vector handles, on the coordinator. A version changes with every write: a point that stands still is
// known by it.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "talweg/math/buffer.hpp"
#include "talweg/math/state.hpp"

namespace talweg::engine {

using math::Vector;

template <class Real>
class VectorStore {
 public:
  /// Slots [0, declared) exist from the start, zero; `extent` elements each.
  VectorStore(std::size_t extent, std::size_t declared) : extent_(extent), slots_(declared) {}

  /// Memory comes with the first look. Who writes calls touch.
  [[nodiscard]] std::span<Real> values(Vector v) {
    Slot& slot = at(v);
    if (slot.values.size() == 0) slot.values.resize(extent_);
    return slot.values.span();
  }
  [[nodiscard]] std::uint64_t version(Vector v) { return at(v).version; }
  void touch(Vector v) { at(v).version = ++clock_; }
  Vector acquire() {
    if (free_.empty()) {
      slots_.emplace_back();
      return Vector{static_cast<std::uint32_t>(slots_.size() - 1)};
    }
    const Vector v = free_.back();
    free_.pop_back();
    return v;
  }
  void release(Vector v) { free_.push_back(v); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Slot& slot : slots_) sum += slot.values.size() * sizeof(Real);
    return sum;
  }

 private:
  struct Slot {
    math::Buffer<Real> values;
    std::uint64_t version = 1;  // zeros
  };
  Slot& at(Vector v) { return slots_.at(v.slot); }
  std::size_t extent_;
  std::deque<Slot> slots_;
  std::vector<Vector> free_;
  std::uint64_t clock_ = 1;
};

}  // namespace talweg::engine
