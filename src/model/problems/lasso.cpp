// SPDX-License-Identifier: Apache-2.0
// f_i = (a_i'x - b_i)^2 / 2 with orthogonal columns: A = the first d columns of Sylvester's Hadamard matrix of order n, so that
// A'A = n I exactly; b = A w + noise, w with `support` elements that are not 0.
//   F = |x - z|^2 / 2 + const + Omega, z = A'b / n: x*_j = clip(soft(z_j, l1) / (1 + l2)); L = mu = 1, L_max = d.
// Source: Tibshirani, Regression Shrinkage and Selection via the Lasso, JRSS B 58 (1996), section 2.2.
#include <bit>

#include "base/random.hpp"
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Lasso final : public Problem {
 public:
  Lasso(const base::Section& s, const Regularizer::Config& omega)
      : omega_(omega), n_(read_size(s, "terms", 64, 1, 1 << 20, "n, a power of two")) {
    if (!std::has_single_bit(n_)) s.fail("terms", std::to_string(n_), "a power of two: there is such a matrix of that order");
    d_ = read_size(s, "dimension", std::min<std::int64_t>(16, static_cast<std::int64_t>(n_)), 1, static_cast<double>(n_),
                   "d, at most n");
    const std::size_t support = read_size(s, "support", 4, 0, 1e6, "elements of w that are not 0");
    const double noise = s.number("noise", 0.5, base::Range::non_negative(), "standard deviation of what is added to A w");
    const base::Random random(static_cast<std::uint64_t>(s.integer("seed", 1, base::Range::non_negative(), "of b")),
                              base::Purpose::problem);
    std::vector<double> w(d_);
    for (std::size_t j = 0; j < std::min(support, d_); ++j) w[j] = (j % 2 == 0 ? 1.0 : -1.0) * (1 + random.uniform(j, 1));
    for (std::size_t i = 0; i < n_; ++i) {
      double b = noise * random.normal(i, 0);
      for (std::size_t j = 0; j < d_; ++j) b += sign(i, j) * w[j];
      b_.push_back(b);
    }
  }
  std::size_t dimension() const override { return d_; }
  std::size_t terms() const override { return n_; }

  double value_and_gradient(std::span<const double> x, const UserExample& e, std::span<double> g) const override {
    double r = -b_[e.record];
    for (std::size_t j = 0; j < d_; ++j) r += sign(e.record, j) * x[j];
    for (std::size_t j = 0; j < d_; ++j) g[j] += sign(e.record, j) * r;
    return 0.5 * r * r;
  }
  void hessian_vector(std::span<const double>, std::span<const double> v, const UserExample& e,
                      std::span<double> out) const override {
    double r = 0;
    for (std::size_t j = 0; j < d_; ++j) r += sign(e.record, j) * v[j];
    for (std::size_t j = 0; j < d_; ++j) out[j] += sign(e.record, j) * r;
  }
  Known known() const override {
    const auto n = static_cast<double>(n_);
    std::vector<double> x(d_);
    double least = 0.5 * dot(b_, b_) / n;
    for (std::size_t j = 0; j < d_; ++j) {
      double z = 0;
      for (std::size_t i = 0; i < n_; ++i) z += sign(i, j) * b_[i] / n;
      x[j] = least_point(omega_, 1, z);
      least += 0.5 * x[j] * x[j] - z * x[j];
    }
    least += omega_value(omega_, x);
    return {.convex = true,
            .least = least,
            .smoothness = 1,
            .term_smoothness = static_cast<double>(d_),
            .strong_convexity = 1,
            .hessian_lipschitz = 0,
            .points = {{"minimum", x, least, 1}}};
  }

 private:
  static double sign(std::size_t i, std::size_t j) { return std::popcount(i & j) % 2 == 0 ? 1 : -1; }
  Regularizer::Config omega_;
  std::size_t n_;
  std::size_t d_ = 1;
  std::vector<double> b_;
};

}  // namespace

extern const ProblemEntry problem_lasso;
const ProblemEntry problem_lasso{.name = "lasso",
                                 .title = "least squares with orthogonal columns, for [regularizer] l1, l2, box",
                                 .formula = "f_i = (a_i'x - b_i)^2 / 2, A'A = n I",
                                 .answers = "x*_j = clip(soft(z_j, l1) / (1 + l2)), z = A'b / n; L = mu = 1, L_max = d",
                                 .source = "Tibshirani, J. Royal Statistical Society B 58 (1996), section 2.2",
                                 .with_omega = true,
                                 .own_terms = true,
                                 .make = make_composite<Lasso>};

}  // namespace talweg::model
