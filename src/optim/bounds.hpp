// SPDX-License-Identifier: Apache-2.0
// Proven upper bounds on F(x_k) - F* in closed form, to compare with what a run measured. bounds.cpp has the table.
#pragma once

#include <optional>
#include <string_view>

#include "talweg/config.hpp"

namespace talweg::optim {

/// The constants in the theorems, for a convex F with an L-smooth smooth part.
struct BoundConstants {
  double smoothness = 0;        // L
  double strong_convexity = 0;  // mu; 0: none
  double distance2 = 0;         // |x_0 - x*|^2
  double gap = 0;               // F(x_0) - F*
  double lr = 0;                // constant
  double assumed = 0;           // the mu that the method was given, at most mu
};

struct ProvenBound {
  std::string_view method;
  std::string_view text;  // the bound in symbols
  std::string_view source;
  /// Whether the theorem is about this [method] (no search, no restart, this form).
  bool (*applies_to)(const base::Section& method) = nullptr;
  /// The bound after k >= 1 steps; for lr <= 1/L only.
  double (*after)(const BoundConstants&, double k) = nullptr;
};

/// The theorem about this [method] at this step length; nothing when there is none in closed form.
const ProvenBound* proven_bound(const base::Section& method, const BoundConstants&);

/// Whether the points of this [method], with the gradients of all of a smooth F, lie in x_0 plus the span of those gradients:
/// lower bounds for such methods hold then.
bool stays_in_span(const base::Section& method);

}  // namespace talweg::optim
