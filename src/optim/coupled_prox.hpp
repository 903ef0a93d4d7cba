// SPDX-License-Identifier: Apache-2.0
// The prox of the parts of Omega that couple coordinates (math::Coupling), in sweeps over whole vectors. A group lies in one
// tensor, which one thread handles; the ball's norm is a sum over blocks. So the bits do not depend on ranks, threads or
// placement.
//
// With one step s for all coordinates:
//   group   x_g = max(0, 1 - s w_g / |v_g|) v_g
//   ball    x = v R / |v| where |v| > R
// In a diagonal metric, with steps s_i, as in AdaGrad's paper for the 2-norm (Duchi, Hazan & Singer 2011, section 5):
//   group   x_i = v_i r / (r + w_g s_i),  r = |x_g| > 0 the root of sum v_i^2 / (r + w_g s_i)^2 = 1;
//           x_g = 0 where |v_i / s_i|_2 <= w_g
//   ball    x_i = v_i / (1 + mu s_i),     mu the root of sum v_i^2 / (1 + mu s_i)^2 = R^2
// Both roots by Newton's method on 1 / norm, which is concave in r and mu: from the left it approaches the root without
// crossing it (More & Sorensen 1983).
#pragma once

#include "talweg/proximal.hpp"
#include "talweg/vector_space.hpp"

namespace talweg::optim {

/// x = prox at x, where every coordinate took a step of `step`.
void prox_coupled(VectorSpace&, const math::Coupling&, Vector x, double step);
/// The same where coordinate i took a step of steps[i].
void prox_coupled(VectorSpace&, const math::Coupling&, Vector x, Vector steps);
/// The coupled part of Omega at x: infinite outside the ball, with room for rounding.
double coupled_value(VectorSpace&, const math::Coupling&, Vector x);

}  // namespace talweg::optim
