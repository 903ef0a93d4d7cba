// SPDX-License-Identifier: Apache-2.0
// F = x^3 - 3 x y^2: three valleys meet at 0, where gradient and Hessian are zero. Not bounded below.
// Source: Anandkumar & Ge, Efficient Approaches for Escaping Higher Order Saddle Points, COLT 2016, section 1.
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class MonkeySaddle final : public Problem {
 public:
  explicit MonkeySaddle(const base::Section&) {}
  std::size_t dimension() const override { return 2; }
  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    g[0] += 3 * (x[0] * x[0] - x[1] * x[1]);
    g[1] -= 6 * x[0] * x[1];
    return x[0] * (x[0] * x[0] - 3 * x[1] * x[1]);
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    out[0] += 6 * (x[0] * v[0] - x[1] * v[1]);
    out[1] -= 6 * (x[1] * v[0] + x[0] * v[1]);
  }
  Known known() const override { return {.convex = false, .points = {{"degenerate", {0, 0}, 0, 0}}}; }
};

}  // namespace

extern const ProblemEntry problem_monkey_saddle;
const ProblemEntry problem_monkey_saddle{.name = "monkey_saddle",
                                         .title = "a saddle of third order",
                                         .formula = "F = x^3 - 3 x y^2",
                                         .answers = "at 0 gradient and Hessian are zero, no minimum; F is not bounded below",
                                         .source = "Anandkumar & Ge, COLT 2016, arXiv:1602.05908",
                                         .make = make_problem<MonkeySaddle>};

}  // namespace talweg::model
