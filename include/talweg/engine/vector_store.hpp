// SPDX-License-Identifier: Apache-2.0
// The numbers behind vector handles on one rank. The coordinator holds every declared slot; a worker holds the points it was
// sent. A version changes with every write, so a point that stands still is sent once.
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

  /// Memory comes with the first look.
  [[nodiscard]] std::span<Real> values(Vector v) {
    Slot& slot = at(v);
    if (slot.values.size() == 0) slot.values.resize(extent_);
    return slot.values.span();
  }
  [[nodiscard]] std::uint64_t version(Vector v) { return at(v).version; }
  void touch(Vector v) { at(v).version = ++clock_; }
  /// True the first time this version of v is asked about: the coordinator's note of what the workers hold.
  [[nodiscard]] bool must_send(Vector v) {
    Slot& slot = at(v);
    const bool fresh = slot.sent != slot.version || slot.version == 0;
    if (slot.version == 0) slot.version = ++clock_;
    slot.sent = slot.version;
    return fresh;
  }
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
    std::uint64_t version = 0;
    std::uint64_t sent = 0;
  };
  Slot& at(Vector v) {
    while (slots_.size() <= v.slot) slots_.emplace_back();  // workers learn of temporaries as they come
    return slots_[v.slot];
  }
  std::size_t extent_;
  std::deque<Slot> slots_;
  std::vector<Vector> free_;
  std::uint64_t clock_ = 0;
};

}  // namespace talweg::engine
