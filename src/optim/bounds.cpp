// SPDX-License-Identifier: Apache-2.0
#include "optim/bounds.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace talweg::optim {
namespace {

/// Whether the key has this value, or is absent and so has it by default.
bool is(const base::Section& s, std::string_view key, std::string_view value) {
  return s.kind(key) == 0 || s.text(key, std::string(value), "as the theorem has it") == value;
}

double linear(const BoundConstants& c, double k) { return std::pow(1 - c.strong_convexity * c.lr, k) * c.gap; }
double accelerated(const BoundConstants& c, double k) { return 2 * c.distance2 / (c.lr * (k + 1) * (k + 1)); }
double accelerated_linear(const BoundConstants& c, double k) {
  return std::pow(1 - std::sqrt(c.assumed * c.lr), k) * (c.gap + c.assumed * c.distance2 / 2);
}
bool plain(const base::Section& s) { return is(s, "search", "none"); }
bool plain_momentum(const base::Section& s) { return plain(s) && is(s, "form", "convex") && is(s, "restart", "none"); }
bool known_curvature(const base::Section& s) {
  return plain(s) && s.kind("form") != 0 && is(s, "form", "strongly_convex") && is(s, "restart", "none");
}

// gd: Drori & Teboulle, Math. Program. 145 (2014), theorem 3.1 (h = lr L <= 1), and the textbook's linear rate.
// proximal_gradient, fista, apg: Beck & Teboulle, SIAM J. Imaging Sci. 2 (2009), theorems 3.1 and 4.4; Tseng 2008.
// agd: Nesterov 1983, in the constants of Beck & Teboulle.
constexpr std::array kBounds = {
    ProvenBound{"gd", "min(|x_0 - x*|^2 / (lr (4 k + 2 / (lr L))), (1 - mu lr)^k (F(x_0) - F*))",
                "Drori & Teboulle, Math. Program. 145 (2014), theorem 3.1", plain,
                [](const BoundConstants& c, double k) {
                  return std::min(c.distance2 / (4 * c.lr * k + 2 / c.smoothness), linear(c, k));
                }},
    ProvenBound{"proximal_gradient", "min(|x_0 - x*|^2 / (2 lr k), (1 - mu lr)^k (F(x_0) - F*))",
                "Beck & Teboulle, SIAM J. Imaging Sci. 2 (2009), theorem 3.1", plain,
                [](const BoundConstants& c, double k) { return std::min(c.distance2 / (2 * c.lr * k), linear(c, k)); }},
    ProvenBound{"agd", "2 |x_0 - x*|^2 / (lr (k + 1)^2)", "Nesterov 1983; Beck & Teboulle 2009, theorem 4.4", plain_momentum,
                accelerated},
    ProvenBound{"agd", "(1 - sqrt(strong_convexity lr))^k (F(x_0) - F* + strong_convexity |x_0 - x*|^2 / 2)",
                "Nesterov, Introductory Lectures (2004), 2.2; Beck 2017, theorem 10.42", known_curvature, accelerated_linear},
    ProvenBound{"fista", "(1 - sqrt(strong_convexity lr))^k (F(x_0) - F* + strong_convexity |x_0 - x*|^2 / 2)",
                "Beck, First-Order Methods in Optimization (2017), theorem 10.42", known_curvature, accelerated_linear},
    ProvenBound{"fista", "2 |x_0 - x*|^2 / (lr (k + 1)^2)", "Beck & Teboulle, SIAM J. Imaging Sci. 2 (2009), theorem 4.4",
                plain_momentum, accelerated},
    ProvenBound{"apg", "2 |x_0 - x*|^2 / (lr (k + 1)^2)", "Tseng 2008, corollary 2", plain_momentum, accelerated}};

}  // namespace

const ProvenBound* proven_bound(const base::Section& method, const BoundConstants& constants) {
  const std::string name = method.text("name", "sgd", "the optimization method: see `talweg methods`");
  const bool short_enough = constants.lr > 0 && constants.lr * constants.smoothness <= 1 + 1e-9;
  if (!short_enough || constants.assumed > constants.strong_convexity * (1 + 1e-9)) return nullptr;
  const auto found =
      std::ranges::find_if(kBounds, [&](const ProvenBound& b) { return b.method == name && b.applies_to(method); });
  return found != kBounds.end() ? &*found : nullptr;
}

bool stays_in_span(const base::Section& method) {
  constexpr std::array<std::string_view, 12> kNames = {
      "sgd", "momentum",         "nesterov", "schedule_free_sgd", "gd", "agd", "proximal_gradient", "fista",
      "apg", "barzilai_borwein", "lbfgs",    "nonlinear_cg"};
  const std::string name = method.text("name", "sgd", "the optimization method: see `talweg methods`");
  return std::ranges::find(kNames, name) != kNames.end() && is(method, "noise", "none") &&
         std::ranges::all_of(std::array{"clip_value", "clip_norm", "clip_average_norm"},
                             [&](const char* key) { return method.kind(key) == 0; });
}

}  // namespace talweg::optim
