// SPDX-License-Identifier: Apache-2.0
// The noise of perturbed gradient descent.
#pragma once

#include <cstdint>

#include "talweg/vector_space.hpp"

namespace talweg::optim {

/// Stands for the step of the last noise before there was any.
inline constexpr std::int64_t kNoNoiseYet = -1;

/// out += a point uniform in the ball of this radius: a normal direction, and a length with density proportional to
/// length^(d - 1). A function of seed and step.
void add_ball_noise(VectorSpace&, std::uint64_t seed, std::uint64_t step, double radius, Vector out);

}  // namespace talweg::optim
