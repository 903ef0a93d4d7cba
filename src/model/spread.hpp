// SPDX-License-Identifier: Apache-2.0
// Turns any function of one term into a finite sum: f_i = f + b_i'x + x'C_i x / 2 with sum b_i = 0 and sum C_i = 0, so that F,
// its minima and its Hessian do not change, and the variance of the f_i is known exactly:
//   |b_i| = gradient_spread, C_i diagonal of +-curvature_spread, in fours (b, C), (b, -C), (-b, C), (-b, -C):
//   mean |grad f_i(x) - grad F(x)|^2 = gradient_spread^2 + curvature_spread^2 |x|^2
//   mean |grad f_i(x) - grad f_i(y)|^2 = |grad F(x) - grad F(y)|^2 + curvature_spread^2 |x - y|^2
#pragma once

#include "model/problem.hpp"

namespace talweg::model {

/// `problem` as it is, or as such a sum: [problem] terms, gradient_spread, curvature_spread, seed.
std::shared_ptr<Problem> spread(const base::Section& section, std::shared_ptr<Problem> problem);

}  // namespace talweg::model
