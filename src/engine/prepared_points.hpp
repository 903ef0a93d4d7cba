// SPDX-License-Identifier: Apache-2.0
// What the objective prepared from the points of the last requests (a network's packed weights), in a few places. A point that
// has not changed is prepared once. A method may ask about any number of temporaries; the places stay few.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/query.hpp"
#include "math/buffer.hpp"

namespace talweg::engine {

template <class Real>
class PreparedPoints {
 public:
  struct Place {
    math::Buffer<Real> prepared;  // [prepared_extent], allocated when first needed
    bool is_prepared = false;
    std::uint32_t slot = 0;     // of the vector
    std::uint64_t version = 0;  // 0: the place is empty
    std::uint64_t used = 0;     // by which request last
  };
  struct Found {
    std::uint32_t place = 0;
    bool fresh = true;  // this version was not here before
  };

  /// Begins a request: its points do not take each other's places.
  void next_request() { ++request_; }
  /// Where version `version` > 0 of the vector in `slot` is kept from now on. It takes the place of an older version of the
  /// same vector, an empty one, or the one that was not asked about for longest.
  Found keep(std::uint32_t slot, std::uint64_t version) {
    const auto holds = [&](const Place& p) { return p.version == version && p.slot == slot; };
    auto found = std::ranges::find_if(places_, holds);
    const bool fresh = found == places_.end();
    if (fresh) {
      const auto age = [&](const Place& p) { return p.version == 0 || (p.slot == slot && p.used < request_) ? 0 : p.used; };
      found = std::ranges::min_element(places_, {}, age);
      found->slot = slot;
      found->version = version;
      found->is_prepared = false;
    }
    found->used = request_;
    return {static_cast<std::uint32_t>(found - places_.begin()), fresh};
  }
  Place& operator[](std::uint32_t place) { return places_.at(place); }

 private:
  // Two more than one request has: a line search's point and direction outlive the gradients in between.
  std::array<Place, Query::kPoints + 2> places_;
  std::uint64_t request_ = 0;
};

}  // namespace talweg::engine
