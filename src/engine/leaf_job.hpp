// SPDX-License-Identifier: Apache-2.0
// One leaf in work: its examples and a tape per point. Kept from request to request, so a step allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "data/dataset.hpp"
#include "talweg/objective.hpp"

namespace talweg::engine {

template <class Real>
struct LeafJob {
  data::Gathered<Real> gathered;
  std::vector<std::uint32_t> places;
  std::vector<std::size_t> numbers;                       // of a request that skips: which of the leaf's examples are in it
  std::vector<std::unique_ptr<model::Tape<Real>>> tapes;  // one per point of the request

  /// Tape number k, made when first asked for.
  model::Tape<Real>& tape(const model::Objective<Real>& objective, std::size_t k) {
    while (tapes.size() <= k) tapes.push_back(objective.make_tape());
    return *tapes[k];
  }
};

}  // namespace talweg::engine
