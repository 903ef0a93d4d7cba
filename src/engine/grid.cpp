// SPDX-License-Identifier: Apache-2.0
#include "engine/grid.hpp"

#include <algorithm>

#include "talweg/sums.hpp"

namespace talweg::engine {
namespace {

/// e with 2^(e-1) <= max < 2^e, from the high word of max; max must not be 0.
std::int32_t exponent_of(std::uint32_t high_word) {
  const auto biased = static_cast<std::int32_t>(high_word >> 20);
  return std::max(biased, 1) - 1022;  // subnormals count as the smallest normal
}

}  // namespace

bool Grids::outgrown(Asker asker, Kind kind, std::span<const std::uint32_t> maxima) const {
  const auto now = exponents(asker, kind);
  for (std::size_t t = 0; t < tensors_; ++t) {
    if (maxima[t] != 0 && exponent_of(maxima[t]) > now[t]) return true;
  }
  return false;
}

void Grids::follow(Asker asker, Kind kind, std::span<const std::uint32_t> maxima) {
  const auto now = std::span(exponents_).subspan(row(asker, kind), tensors_);
  for (std::size_t t = 0; t < tensors_; ++t) {
    if (maxima[t] != 0) now[t] = std::clamp(exponent_of(maxima[t]) + math::kGridMargin, -math::kGridLimit, math::kGridLimit);
  }
}

void Grids::observe_as_the_method_asks() {
  const auto observed = std::span(exponents_).subspan(row(Asker::observer, Kind::full_gradient), tensors_);
  for (std::size_t t = 0; t < tensors_; ++t) {
    observed[t] = kUnset;
    for (const Kind kind : {Kind::batch_gradient, Kind::full_gradient, Kind::batch_combination}) {
      if (observed[t] == kUnset) observed[t] = exponents(Asker::method, kind)[t];
    }
  }
}

}  // namespace talweg::engine
