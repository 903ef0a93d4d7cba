// SPDX-License-Identifier: Apache-2.0
// F = sum_j h_j (x_j - c_j)^2 / 2, with any Omega that acts on each coordinate.
//   x*_j = clip(soft(h_j c_j, l1) / (h_j + l2)), L = max |h_j|, mu = min h_j. With a negative h_j: a saddle at c, no minimum.
// Source: any textbook, e.g. Nesterov, Lectures on Convex Optimization, Springer 2018, section 1.2.
#include <algorithm>

#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Quadratic final : public Problem {
 public:
  Quadratic(const base::Section& s, const Regularizer::Config& omega)
      : omega_(omega),
        h_(s.numbers("curvatures", {0.02, 0.1, 0.5, 1, 2}, {}, "h_j, one per coordinate")),
        c_(s.numbers("centre", std::vector<double>(h_.size()), {}, "c_j, one per coordinate")) {
    if (h_.empty()) s.fail("curvatures", "none", "one number or more");
    if (c_.size() != h_.size())
      s.fail("centre", fmt::format("{} numbers", c_.size()), fmt::format("{}, one per curvature", h_.size()));
  }
  std::size_t dimension() const override { return h_.size(); }
  std::vector<double> start() const override { return std::vector<double>(dimension(), 1.0); }

  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    double value = 0;
    for (std::size_t j = 0; j < h_.size(); ++j) {
      value += 0.5 * h_[j] * (x[j] - c_[j]) * (x[j] - c_[j]);
      g[j] += h_[j] * (x[j] - c_[j]);
    }
    return value;
  }
  void hessian_vector(std::span<const double>, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    for (std::size_t j = 0; j < h_.size(); ++j) out[j] += h_[j] * v[j];
  }
  Known known() const override {
    const auto [low, high] = std::ranges::minmax(h_);
    Known known{.convex = low >= 0,
                .smoothness = std::max(high, -low),
                .term_smoothness = std::max(high, -low),
                .strong_convexity = low > 0 ? std::optional(low) : std::nullopt,
                .hessian_lipschitz = 0};
    std::vector<double> x = c_;
    if (low > 0) {
      for (std::size_t j = 0; j < x.size(); ++j) x[j] = least_point(omega_, h_[j], c_[j]);
      std::vector<double> unused(x.size());
      known.least = value_and_gradient(x, {}, unused) + omega_value(omega_, x);
      known.points = {{"minimum", x, *known.least, low}};
    } else if (low < 0 && omega_.l1 == 0 && omega_.l2 == 0 && !std::isfinite(omega_.low) && !std::isfinite(omega_.high)) {
      known.points = {{"saddle", x, 0, low}};
    }
    return known;
  }

 private:
  Regularizer::Config omega_;
  std::vector<double> h_;
  std::vector<double> c_;
};

}  // namespace

extern const ProblemEntry problem_quadratic;
const ProblemEntry problem_quadratic{.name = "quadratic",
                                     .title = "a diagonal quadratic",
                                     .formula = "F = sum_j h_j (x_j - c_j)^2 / 2",
                                     .answers = "x*_j = clip(soft(h_j c_j, l1) / (h_j + l2)); L = max |h_j|, mu = min h_j",
                                     .source = "any textbook: Nesterov, Lectures on Convex Optimization, Springer 2018",
                                     .with_omega = true,
                                     .make = make_composite<Quadratic>};

}  // namespace talweg::model
