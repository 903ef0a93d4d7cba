// SPDX-License-Identifier: Apache-2.0
// F = (L/4) ((x_1^2 + sum_{i<d} (x_i - x_{i+1})^2 + x_d^2) / 2 - x_1): each gradient reaches only one more coordinate of the
// chain, so no method that combines gradients is fast.
//   x*_i = 1 - i / (d + 1), F* = -(L/8) d / (d + 1), |x*|^2 = d (2 d + 1) / (6 (d + 1)); the Hessian is (L/4) tridiag(-1, 2,
//   -1) with eigenvalues (L/2) (1 - cos(k pi / (d + 1))). After k gradients from 0 only k coordinates have moved: F - F* >=
//   (L/8) (1 / (k + 1) - 1 / (d + 1)).
// Source: Nesterov, Introductory Lectures on Convex Optimization, Kluwer 2004, section 2.1.2, theorem 2.1.7 (d = 2 k + 1).
#include <numbers>

#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class NesterovChain final : public Problem {
 public:
  explicit NesterovChain(const base::Section& s)
      : d_(read_size(s, "dimension", 61, 1, 1e6, "d")),
        smoothness_(s.number("smoothness", 1.0, base::Range::positive(), "L: the curvature stays below it")) {}
  std::size_t dimension() const override { return d_; }

  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    const double scale = smoothness_ / 4;
    double value = -x[0];
    g[0] -= scale;
    for (std::size_t i = 0; i <= d_; ++i) {
      const double left = i == 0 ? 0 : x[i - 1];
      const double right = i == d_ ? 0 : x[i];
      value += 0.5 * (left - right) * (left - right);
      if (i > 0) g[i - 1] += scale * (left - right);
      if (i < d_) g[i] -= scale * (left - right);
    }
    return scale * value;
  }
  void hessian_vector(std::span<const double>, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    for (std::size_t i = 0; i < d_; ++i)
      out[i] += smoothness_ / 4 * (2 * v[i] - (i > 0 ? v[i - 1] : 0) - (i + 1 < d_ ? v[i + 1] : 0));
  }
  Known known() const override {
    const auto d = static_cast<double>(d_);
    std::vector<double> x(d_);
    for (std::size_t i = 0; i < d_; ++i) x[i] = 1 - static_cast<double>(i + 1) / (d + 1);
    const double half = std::sin(std::numbers::pi / (2 * (d + 1)));
    const double smallest = smoothness_ * half * half;  // (L/2) (1 - cos), written without cancellation
    const double least = -smoothness_ / 8 * d / (d + 1);
    return {.convex = true,
            .least = least,
            .smoothness = smoothness_,
            .term_smoothness = smoothness_,
            .strong_convexity = smallest,
            .hessian_lipschitz = 0,
            .others = {{"|x*|^2", d * (2 * d + 1) / (6 * (d + 1)), "squared distance from 0"}},
            .points = {{"minimum", x, least, smallest}}};
  }
  std::optional<double> lower_bound(std::int64_t steps) const override {
    return std::fmax(0, smoothness_ / 8 * (1 / (static_cast<double>(steps) + 1) - 1 / (static_cast<double>(d_) + 1)));
  }

 private:
  std::size_t d_;
  double smoothness_;
};

}  // namespace

extern const ProblemEntry problem_nesterov_chain;
const ProblemEntry problem_nesterov_chain{
    .name = "nesterov_chain",
    .title = "the worst quadratic for first-order methods",
    .formula = "F = (L/4) ((x_1^2 + sum_{i<d} (x_i - x_{i+1})^2 + x_d^2) / 2 - x_1)",
    .answers =
        "x*_i = 1 - i / (d + 1), F* = -(L/8) d / (d + 1), |x*|^2 = d (2 d + 1) / (6 (d + 1)); from 0, k gradients leave\n"
        "F - F* >= (L/8) (1 / (k + 1) - 1 / (d + 1)) to any method whose steps are combinations of gradients",
    .source = "Nesterov, Introductory Lectures on Convex Optimization, Kluwer 2004, section 2.1.2",
    .make = make_problem<NesterovChain>};

}  // namespace talweg::model
