// SPDX-License-Identifier: Apache-2.0
// Upper bounds on F(x_k) - F* that are proven in closed form, to be set beside what a run measured. One table in bounds.cpp.
#pragma once

#include <optional>
#include <string_view>

#include "talweg/config.hpp"

namespace talweg::optim {

/// What the theorems speak of. F convex, its smooth part L-smooth.
struct BoundConstants {
  double smoothness = 0;        // L
  double strong_convexity = 0;  // mu; 0: none
  double distance2 = 0;         // |x_0 - x*|^2
  double gap = 0;               // F(x_0) - F*
  double lr = 0;                // constant
  double assumed = 0;           // the mu that a method of this form goes by, at most mu
};

struct ProvenBound {
  std::string_view method;
  std::string_view text;  // the bound in symbols
  std::string_view source;
  /// Whether the theorem is about this [method] (no search, no restart, this form).
  bool (*speaks_of)(const base::Section& method) = nullptr;
  /// The bound after k >= 1 steps; for lr <= 1/L only.
  double (*after)(const BoundConstants&, double k) = nullptr;
};

/// The theorem about this [method] at this step length; nothing when there is none in closed form.
const ProvenBound* proven_bound(const base::Section& method, const BoundConstants&);

/// Whether the points of this [method], with the gradients of all of a smooth F, lie in x_0 plus the span of those gradients:
/// lower bounds for such methods hold then.
bool stays_in_span(const base::Section& method);

/// Of finite sums, in expectation, f_i convex and L_max-smooth, F mu-strongly convex.
/// svrg with a random or average snapshot every m steps of batch 1 (Johnson & Zhang 2013, theorem 1): a factor of the gap.
double svrg_factor(double term_smoothness, double strong_convexity, double lr, double m);
/// saga with lr = 1/(3 L_max) (Defazio, Bach & Lacoste-Julien 2014, corollary 1): E |x_k - x*|^2 after k steps of batch 1.
/// `bregman`: F(x_0) - F* - grad F(x*)'(x_0 - x*), which is the gap where Omega is smooth.
double saga_distance2(double term_smoothness, double strong_convexity, double n, double distance2, double bregman, double k);

}  // namespace talweg::optim
