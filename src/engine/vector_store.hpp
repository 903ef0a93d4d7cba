// SPDX-License-Identifier: Apache-2.0
// The numbers behind vector handles. A version changes with every write: a point that stands still is known by it.
//
// Slots are common or a rank's own. Common ones lie in memory that the ranks of a node share, and come into being on all ranks
// together; with placement "coordinator" there is nobody to share them with. Own ones are the temporaries of who works alone.
//
// With placement "sharded" a common slot is spread once it was written: each node has its own part of it and no more. Shared
// pages come when they are used, so the rest of it takes no memory until it is completed for the first time. All ranks know of
// every slot whether it is spread: completing it is a collective.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "engine/placement.hpp"
#include "engine/shared_array.hpp"
#include "math/buffer.hpp"
#include "talweg/state.hpp"

namespace talweg::engine {

using math::Vector;

template <class Real>
class VectorStore {
 public:
  /// Slots [0, declared) exist from the start, zero; `extent` elements each, of which this node owns `part`. Collective when
  /// they are shared.
  VectorStore(comm::Communicator& comm, std::size_t extent, std::size_t part, std::size_t declared, bool shared)
      : comm_(comm), extent_(extent), part_(part), shared_(shared) {
    for (std::size_t i = 0; i < declared; ++i) add_common();
  }

  /// An own slot's memory comes with the first look. Who writes calls touch, or touch_part. Of a slot that is spread only this
  /// node's part counts.
  [[nodiscard]] std::span<Real> values(Vector v) {
    Slot& slot = at(v);
    if (slot.common.size() > 0) return slot.common.part(0);
    if (slot.own.size() == 0) slot.own.resize(extent_);
    return slot.own.span();
  }
  [[nodiscard]] std::uint64_t version(Vector v) { return at(v).version; }
  void touch(Vector v) { at(v).version = ++clock_; }
  /// Each node wrote its part.
  void touch_part(Vector v) {
    touch(v);
    at(v).spread = true;
  }
  [[nodiscard]] bool spread(Vector v) { return at(v).spread; }
  /// Every node has all of it again.
  void completed(Vector v) {
    at(v).spread = false;
    at(v).everywhere = true;
  }
  /// True when it was completed before: every node has the memory for all of it.
  [[nodiscard]] bool everywhere(Vector v) { return at(v).everywhere; }
  /// Gives back the memory of these elements, for all ranks of the node.
  void forget(Vector v, ElementRange elements) { at(v).common.forget(0, elements.first, elements.count); }
  /// True when every rank of the node finds the numbers here.
  [[nodiscard]] bool common(Vector v) { return at(v).common.size() > 0; }

  /// A slot for a while. All ranks together, or one for itself.
  Vector acquire_common() {
    return acquire(free_common_, [this] { return add_common(); });
  }
  Vector acquire_own() {
    return acquire(free_own_, [this] { return add_own(); });
  }
  void release(Vector v) { (v.slot < kOwn ? free_common_ : free_own_).push_back(v); }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t slots = 0;
    for (const Slot& slot : common_)
      slots += (slot.everywhere ? slot.common.size() : std::min(part_, slot.common.size())) + slot.own.size();
    for (const Slot& slot : own_) slots += slot.own.size();
    return slots * sizeof(Real);
  }

 private:
  static constexpr std::uint32_t kOwn = 1U << 31;  // slots from here on are own ones
  struct Slot {
    SharedArray<Real> common;
    math::Buffer<Real> own;
    std::uint64_t version = 1;  // zeros
    bool spread = false;
    bool everywhere = false;
  };
  Slot& at(Vector v) { return v.slot < kOwn ? common_.at(v.slot) : own_.at(v.slot - kOwn); }
  Vector add_common() {
    common_.emplace_back();
    if (shared_) common_.back().common = SharedArray<Real>(comm_, extent_);
    return {static_cast<std::uint32_t>(common_.size() - 1)};
  }
  Vector add_own() {
    own_.emplace_back();
    return {static_cast<std::uint32_t>(kOwn + own_.size() - 1)};
  }
  template <class Add>
  static Vector acquire(std::vector<Vector>& free, Add add) {
    if (free.empty()) return add();
    const Vector v = free.back();
    free.pop_back();
    return v;
  }

  comm::Communicator& comm_;
  std::size_t extent_;
  std::size_t part_;
  bool shared_;
  std::deque<Slot> common_;
  std::deque<Slot> own_;
  std::vector<Vector> free_common_;
  std::vector<Vector> free_own_;
  std::uint64_t clock_ = 1;
};

}  // namespace talweg::engine
