// SPDX-License-Identifier: Apache-2.0
// A step length t along a descent direction, phi(t) = F(x + t d), that satisfies
//   strong Wolfe        phi(t) <= phi(0) + c1 t phi'(0)  and  |phi'(t)| <= c2 |phi'(0)|                    or
//   approximate Wolfe   (2 c1 - 1) phi'(0) >= phi'(t) >= c2 phi'(0)  and  |phi(t) - phi(0)| <= tolerance   (Hager & Zhang 2005)
// the second for the neighbourhood of a minimum, where differences of phi drown in rounding while slopes do not.
#pragma once

#include <optional>

#include "talweg/config.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {

struct WolfeOptions {
  double c1 = 1e-4;
  double c2 = 0.9;
  double relative_tolerance = 1e-6;  // of |phi(0)|, for the approximate test
  int requests = 20;                 // at most
  static WolfeOptions read(const base::Section&, double c2);
};

/// True when `at` may be the step; `start` is phi at 0.
bool satisfies_wolfe(const LinePoint& start, const LinePoint& at, const WolfeOptions& options);

struct WolfeSearch {
  std::optional<LinePoint> accepted;
  double shortest = 0;   // length that was tried
  bool ran_out = false;  // of requests
};

/// Brackets and shrinks, several lengths a request.
WolfeSearch wolfe_search(Oracle& oracle, Vector x, Vector direction, const LinePoint& start, double first_length,
                         const WolfeOptions& options);

/// The report when a search from `start` found no length, even along the gradient: stuck where the fall of F over the shortest
/// length would be rounding, else failed.
StepReport no_wolfe_length(StepReport report, const LinePoint& start, const WolfeSearch& search);

}  // namespace talweg::optim
