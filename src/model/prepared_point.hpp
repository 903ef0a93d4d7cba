// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "math/buffer.hpp"
#include "talweg/objective.hpp"

namespace talweg::model {

/// A point that is prepared without an engine.
template <class Real>
class PreparedPoint {
 public:
  PreparedPoint(const Objective<Real>& objective, std::span<const Real> x) : x_(x), prepared_(objective.prepared_extent()) {
    for (std::size_t part = 0; part < objective.prepared_parts(); ++part) objective.prepare(x, part, prepared_.span());
  }
  operator Point<Real>() const { return {x_, prepared_.span()}; }  // NOLINT: it is one

 private:
  std::span<const Real> x_;
  math::Buffer<Real> prepared_;
};

}  // namespace talweg::model
