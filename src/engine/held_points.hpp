// SPDX-License-Identifier: Apache-2.0
// The points of the last requests, in a few places that have the same numbers on every rank: what the workers were sent, and
// what the objective prepared from each. A point that stands still is sent and prepared once; a method may ask about any number
// of temporaries, the places stay few.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "engine/request.hpp"
#include "math/buffer.hpp"

namespace talweg::engine {

template <class Real>
class HeldPoints {
 public:
  struct Place {
    std::span<const Real> x;      // [extent]; the coordinator's own vector, a worker's `received`
    math::Buffer<Real> received;  // workers only
    math::Buffer<Real> prepared;  // [prepared_extent], when first needed
    bool is_prepared = false;
    // The coordinator's note of what is here.
    std::uint32_t slot = 0;
    std::uint64_t version = 0;  // 0: nothing
    std::uint64_t used = 0;
  };
  struct Found {
    std::uint32_t place = 0;
    bool fresh = true;  // it was not here: to be sent, and prepared when asked about
  };

  /// Coordinator: where version `version` > 0 of the vector in `slot` is held from now on. It takes the place of an older
  /// version of the same vector, of nothing, or of what has not been asked about for longest; never of a point of the same
  /// `request` (a number that grows).
  Found hold(std::uint32_t slot, std::uint64_t version, std::uint64_t request) {
    const auto holds = [&](const Place& p) { return p.version == version && p.slot == slot; };
    auto found = std::ranges::find_if(places_, holds);
    const bool fresh = found == places_.end();
    if (fresh) {
      const auto age = [&](const Place& p) { return p.version == 0 || (p.slot == slot && p.used < request) ? 0 : p.used; };
      found = std::ranges::min_element(places_, {}, age);
      found->slot = slot;
      found->version = version;
      found->is_prepared = false;
    }
    found->used = request;
    return {static_cast<std::uint32_t>(found - places_.begin()), fresh};
  }
  Place& operator[](std::uint32_t place) { return places_.at(place); }

 private:
  // Two more than one request has: a line search's point and direction outlive the gradients in between.
  std::array<Place, Request::kPoints + 2> places_;
};

}  // namespace talweg::engine
