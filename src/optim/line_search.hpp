// SPDX-License-Identifier: Apache-2.0
// A step length t along a descent direction, phi(t) = F(x + t d), that satisfies
//   strong Wolfe        phi(t) <= phi(0) + c1 t phi'(0)  and  |phi'(t)| <= c2 |phi'(0)|                    or
//   approximate Wolfe   (2 c1 - 1) phi'(0) >= phi'(t) >= c2 phi'(0)  and  |phi(t) - phi(0)| <= tolerance   (Hager & Zhang 2005)
// the second for the neighbourhood of a minimum, where differences of phi drown in rounding while slopes do not.
#pragma once

#include <optional>

#include "talweg/optim/method.hpp"

namespace talweg::optim {

struct WolfeOptions {
  double c1 = 1e-4;
  double c2 = 0.9;
  double relative_tolerance = 1e-6;  // of |phi(0)|, for the approximate test
  int requests = 20;                 // at most
};

/// True when `at` may be the step; `start` is phi at 0.
bool satisfies_wolfe(const LinePoint& start, const LinePoint& at, const WolfeOptions& options);

/// Brackets and shrinks, several lengths a request. Nothing when no length was found within the requests allowed; *shortest is
/// then the shortest that was tried.
std::optional<LinePoint> wolfe_search(Oracle& oracle, Vector x, Vector direction, const LinePoint& start, double first_length,
                                      const WolfeOptions& options, double* shortest = nullptr);

/// What to report when there is none, even along the gradient: stuck where a fall of F by `slope` times the shortest length
/// would be rounding, else failed. `value` is F, `fall` that product.
StepReport no_wolfe_length(StepReport report, VectorSpace&, Vector x, double value, double fall);

}  // namespace talweg::optim
