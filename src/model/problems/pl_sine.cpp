// SPDX-License-Identifier: Apache-2.0
// F = x^2 + 3 sin^2 x: not convex, but |F'|^2 / 2 >= (F - F*) / 32 everywhere (Polyak & Lojasiewicz), so that gradient descent
// is linear: F(x_k) - F* <= (1 - 1/256)^k (F(x_0) - F*) at 1/L.
//   x* = 0, F* = 0, L = 8, mu_PL = 1/32; F'' = 2 + 6 cos 2x, rho = 12.
// Source: Karimi, Nutini & Schmidt, Linear Convergence of Gradient and Proximal-Gradient Methods under the PL Condition, 2016,
// section 2.2.
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class PlSine final : public Problem {
 public:
  explicit PlSine(const base::Section&) {}
  std::size_t dimension() const override { return 1; }
  std::vector<double> start() const override { return {5}; }

  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    const double sine = std::sin(x[0]);
    g[0] += 2 * x[0] + 3 * std::sin(2 * x[0]);
    return x[0] * x[0] + 3 * sine * sine;
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    out[0] += (2 + 6 * std::cos(2 * x[0])) * v[0];
  }
  Known known() const override {
    return {.convex = false,
            .least = 0,
            .smoothness = 8,
            .term_smoothness = 8,
            .hessian_lipschitz = 12,
            .others = {{"mu_PL", 1.0 / 32, "|grad F|^2 / 2 >= mu_PL (F - F*)"}},
            .points = {{"minimum", {0}, 0, 8}}};
  }
};

}  // namespace

extern const ProblemEntry problem_pl_sine;
const ProblemEntry problem_pl_sine{.name = "pl_sine",
                                   .title = "not convex, yet linear for gradient descent (Polyak-Lojasiewicz)",
                                   .formula = "F = x^2 + 3 sin^2 x",
                                   .answers = "x* = 0, F* = 0; L = 8, mu_PL = 1/32, rho = 12",
                                   .source = "Karimi, Nutini & Schmidt, ECML 2016, arXiv:1608.04636, section 2.2",
                                   .make = make_problem<PlSine>};

}  // namespace talweg::model
