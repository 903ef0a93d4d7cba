// SPDX-License-Identifier: Apache-2.0
// F = (w x y - 1)^2 / 2, a chain of three linear units: at 0 gradient and Hessian are zero, but 0 is no minimum, so a
// second-order certificate must answer "undecided".
//   minima w x y = 1, F* = 0, Hessian q q' with q = (x y, w y, w x): eigenvalues 0, 0, |q|^2.
// Source: Kawaguchi, Deep Learning without Poor Local Minima, NeurIPS 2016 (saddles without negative curvature beyond one
// hidden layer).
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class TripleProduct final : public Problem {
 public:
  explicit TripleProduct(const base::Section&) {}
  std::size_t dimension() const override { return 3; }
  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    const double r = x[0] * x[1] * x[2] - 1;
    g[0] += r * x[1] * x[2];
    g[1] += r * x[0] * x[2];
    g[2] += r * x[0] * x[1];
    return 0.5 * r * r;
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    const double r = x[0] * x[1] * x[2] - 1;
    const double along = x[1] * x[2] * v[0] + x[0] * x[2] * v[1] + x[0] * x[1] * v[2];
    out[0] += along * x[1] * x[2] + r * (x[2] * v[1] + x[1] * v[2]);
    out[1] += along * x[0] * x[2] + r * (x[2] * v[0] + x[0] * v[2]);
    out[2] += along * x[0] * x[1] + r * (x[1] * v[0] + x[0] * v[1]);
  }
  Known known() const override {
    return {.convex = false,
            .least = 0,
            .points = {{"minimum", {1, 1, 1}, 0, 0}, {"minimum", {2, -1, -0.5}, 0, 0}, {"degenerate", {0, 0, 0}, 0.5, 0}}};
  }
};

}  // namespace

extern const ProblemEntry problem_triple_product;
const ProblemEntry problem_triple_product{
    .name = "triple_product",
    .title = "a saddle whose Hessian is zero, and minima",
    .formula = "F = (w x y - 1)^2 / 2",
    .answers = "at 0 gradient and Hessian are zero, F = 1/2, no minimum; minima w x y = 1, F* = 0, smallest eigenvalue 0",
    .source = "after Kawaguchi, NeurIPS 2016, arXiv:1605.07110",
    .make = make_problem<TripleProduct>};

}  // namespace talweg::model
