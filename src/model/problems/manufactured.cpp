// SPDX-License-Identifier: Apache-2.0
// Logistic regression whose solution was chosen first: f_i = log(1 + exp(-y_i a_i'x)) + c'x,
//   c = -(mean grad log(1 + exp(-y_i a_i'x*)) + l2 x* + l1 s), s_j = sign x*_j on the support, |s_j| <= 1/2 off it,
// so that x* minimises F with this l1 and l2, and the zeros of x* are stable: the optimality condition holds there with a
// margin. a_i normal, y_i = +-1, drawn once. L = the largest eigenvalue of A'A / (4 n), L_max = max |a_i|^2 / 4; the smallest
// at x* is that of its Hessian. Source: the method of manufactured solutions (Roache 2002), for composite F as in Nesterov,
// Gradient Methods for Minimizing Composite Functions, Math. Program. 140 (2013), section 6.
#include <algorithm>

#include "base/random.hpp"
#include "math/symmetric_eigen.hpp"
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Manufactured final : public Problem {
 public:
  Manufactured(const base::Section& s, const Regularizer::Config& omega)
      : omega_(omega),
        n_(read_size(s, "terms", 200, 1, 1e6, "n")),
        d_(read_size(s, "dimension", 20, 1, 1000, "d")),
        x_(d_),
        c_(d_) {
    const std::size_t support = read_size(s, "support", 5, 0, 1e6, "elements of x* that are not 0");
    const base::Random random(static_cast<std::uint64_t>(s.integer("seed", 1, base::Range::non_negative(), "of a_i and y_i")),
                              base::Purpose::problem);
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < d_; ++j) a_.push_back(random.normal(i, j));
      y_.push_back(random.uniform(i, 1U << 20) < 0.5 ? -1 : 1);
    }
    for (std::size_t j = 0; j < std::min(support, d_); ++j)
      x_[j] = (j % 2 == 0 ? 1.0 : -1.0) * (0.5 + random.uniform(j, 1U << 21));
    std::vector<double> gradient(d_);
    for (std::size_t i = 0; i < n_; ++i) logistic(i, x_, gradient);
    for (std::size_t j = 0; j < d_; ++j) {
      const double sign = x_[j] > 0 ? 1 : x_[j] < 0 ? -1 : random.uniform(j, 1U << 22) - 0.5;
      c_[j] = -(gradient[j] / static_cast<double>(n_) + omega.l2 * x_[j] + omega.l1 * sign);
    }
  }
  std::size_t dimension() const override { return d_; }
  std::size_t terms() const override { return n_; }

  double value_and_gradient(std::span<const double> x, const UserExample& e, std::span<double> g) const override {
    for (std::size_t j = 0; j < d_; ++j) g[j] += c_[j];
    return logistic(e.record, x, g) + dot(c_, x);
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample& e,
                      std::span<double> out) const override {
    const std::span<const double> a = row(e.record);
    const double p = 1 / (1 + std::exp(-dot(a, x)));
    const double scale = p * (1 - p) * dot(a, v);
    for (std::size_t j = 0; j < d_; ++j) out[j] += scale * a[j];
  }
  Known known() const override {
    double longest = 0, least = omega_value(omega_, x_);
    std::vector<double> unused(d_);
    for (std::size_t i = 0; i < n_; ++i) {
      longest = std::max(longest, dot(row(i), row(i)));
      least += value_and_gradient(x_, {.features = {}, .target = 0, .record = i}, unused) / static_cast<double>(n_);
    }
    Known known{.convex = true,
                .least = least,
                .smoothness = eigenvalues([](double) { return 0.25; }).back(),
                .term_smoothness = longest / 4,
                .points = {{"minimum", x_, least, eigenvalues([](double p) { return p * (1 - p); }).front()}}};
    if (std::ranges::any_of(x_, [this](double v) { return v < omega_.low || v > omega_.high; })) {  // outside of the box
      known.least.reset();
      known.points.clear();
    }
    return known;
  }

 private:
  [[nodiscard]] std::span<const double> row(std::size_t i) const { return std::span(a_).subspan(i * d_, d_); }
  double logistic(std::size_t i, std::span<const double> x, std::span<double> g) const {
    const double margin = y_[i] * dot(row(i), x);
    const double slope = -y_[i] / (1 + std::exp(margin));
    for (std::size_t j = 0; j < d_; ++j) g[j] += slope * row(i)[j];
    return std::fmax(-margin, 0) + std::log1p(std::exp(-std::abs(margin)));
  }
  /// Of the mean of weight(p_i) a_i a_i' at x*, ascending.
  template <class Weight>
  std::vector<double> eigenvalues(Weight weight) const {
    std::vector<double> h(d_ * d_);
    for (std::size_t i = 0; i < n_; ++i) {
      const std::span<const double> a = row(i);
      const double w = weight(1 / (1 + std::exp(-dot(a, x_)))) / static_cast<double>(n_);
      for (std::size_t j = 0; j < d_; ++j) {
        for (std::size_t k = 0; k < d_; ++k) h[j * d_ + k] += w * a[j] * a[k];
      }
    }
    return math::symmetric_eigen(d_, h).values;
  }
  Regularizer::Config omega_;
  std::size_t n_;
  std::size_t d_;
  std::vector<double> a_;  // [n, d]
  std::vector<double> y_;
  std::vector<double> x_;  // x*
  std::vector<double> c_;
};

}  // namespace

extern const ProblemEntry problem_manufactured;
const ProblemEntry problem_manufactured{
    .name = "manufactured",
    .title = "logistic regression with a chosen solution, for [regularizer] l1, l2",
    .formula = "f_i = log(1 + exp(-y_i a_i'x)) + c'x, c = -(grad at x* + l2 x* + l1 s), s in the subdifferential of |x*|_1",
    .answers =
        "x*, its support and F* to rounding; off the support |grad_j| <= l1 / 2; L = lmax(A'A) / (4 n), L_max = max "
        "|a_i|^2 / 4",
    .source = "Nesterov, Math. Program. 140 (2013), section 6; Roache, J. Fluids Eng. 124 (2002)",
    .with_omega = true,
    .own_terms = true,
    .make = make_composite<Manufactured>};

}  // namespace talweg::model
