// SPDX-License-Identifier: Apache-2.0
// The numbers behind vector handles, in memory that the ranks of a node share. Slots come into being on all ranks together. A
// version changes with every write, so a point that has not changed is known by it.
//
// Where the owners spread (owners.hpp), a slot that was written is valid on its owners' node only, until it is completed. Shared
// pages come when they are used, so on the other nodes the rest of it takes no memory before it is completed for the first time.
// All ranks know of every slot whether it is spread: completing it is a collective.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "engine/owners.hpp"
#include "engine/shared_array.hpp"
#include "talweg/state.hpp"

namespace talweg::engine {

using math::Vector;

template <class Real>
class VectorStore {
 public:
  /// Collective. Slots [0, declared) exist from the start, zero; `extent` elements each, of which this node owns `part`.
  VectorStore(comm::Communicator& comm, std::size_t extent, std::size_t part, std::size_t declared)
      : comm_(comm), extent_(extent), part_(part) {
    for (std::size_t i = 0; i < declared; ++i) add();
  }

  /// All of it; of a slot that is spread only what this node owns is valid. Writers call touch() or touch_part().
  [[nodiscard]] std::span<Real> values(Vector v) { return at(v).values.part(0); }
  [[nodiscard]] std::uint64_t version(Vector v) { return at(v).version; }
  /// Every node wrote all of it.
  void touch(Vector v) {
    at(v).version = ++clock_;
    at(v).spread = false;
  }
  /// Every node wrote what it owns.
  void touch_part(Vector v) {
    at(v).version = ++clock_;
    at(v).spread = true;
  }
  [[nodiscard]] bool spread(Vector v) { return at(v).spread; }
  /// Every node has all of it again.
  void completed(Vector v) {
    at(v).spread = false;
    at(v).everywhere = true;
  }
  /// True when every node has had all of it: the memory for it is taken.
  [[nodiscard]] bool everywhere(Vector v) { return at(v).everywhere; }
  /// Gives back the memory of these elements, for all ranks of the node.
  void forget(Vector v, ElementRange elements) { at(v).values.forget(0, elements.first, elements.count); }

  /// Collective: a slot for a while.
  Vector acquire() {
    if (free_.empty()) return add();
    const Vector v = free_.back();
    free_.pop_back();
    return v;
  }
  void release(Vector v) { free_.push_back(v); }

  /// Of vectors on this node.
  [[nodiscard]] std::size_t bytes() const {
    std::size_t elements = 0;
    for (const Slot& slot : slots_) elements += slot.everywhere ? extent_ : std::min(part_, extent_);
    return elements * sizeof(Real);
  }

 private:
  struct Slot {
    SharedArray<Real> values;
    std::uint64_t version = 1;  // zeros
    bool spread = false;
    bool everywhere = false;
  };
  Slot& at(Vector v) { return slots_.at(v.slot); }
  Vector add() {
    slots_.push_back({.values = SharedArray<Real>(comm_, extent_)});
    return {static_cast<std::uint32_t>(slots_.size() - 1)};
  }

  comm::Communicator& comm_;
  std::size_t extent_;
  std::size_t part_;
  std::deque<Slot> slots_;
  std::vector<Vector> free_;
  std::uint64_t clock_ = 1;
};

}  // namespace talweg::engine
