// SPDX-License-Identifier: Apache-2.0
// The prox of what couples coordinates (math::Coupling), in sweeps over whole vectors: groups lie in one tensor, which one
// thread takes; the length of all is a sum over blocks. So the bits are the same for any ranks, threads and placement.
//
// With one step s for all:  group   x_g = max(0, 1 - s w_g / |v_g|) v_g            ball   x = v R / |v| where |v| > R
// In a diagonal metric, steps s_i, as AdaGrad's paper has it for the 2-norm (Duchi, Hazan & Singer 2011, section 5):
//   group   x_i = v_i r / (r + w_g s_i),  r = |x_g| > 0 the root of sum v_i^2 / (r + w_g s_i)^2 = 1; 0 where |v_i / s_i|_2 <=
//   w_g ball    x_i = v_i / (1 + mu s_i),     mu the root of sum v_i^2 / (1 + mu s_i)^2 = R^2
// Both roots by Newton's method on 1 / norm, which is concave in r and mu: from the left it goes to the root without crossing
// it (More & Sorensen 1983).
#pragma once

#include "talweg/proximal.hpp"
#include "talweg/vector_space.hpp"

namespace talweg::optim {

/// x = prox at x, all coordinates having taken a step of `step`.
void prox_coupled(VectorSpace&, const math::Coupling&, Vector x, double step);
/// The same where coordinate i took one of steps[i].
void prox_coupled(VectorSpace&, const math::Coupling&, Vector x, Vector steps);
/// What the coupled part of Omega is at x. Outside the ball infinity; rounding does not put a point outside.
double coupled_value(VectorSpace&, const math::Coupling&, Vector x);

}  // namespace talweg::optim
