// SPDX-License-Identifier: Apache-2.0
// F = |U V' - M|_F^2 / 2, M = diag(s_1 > ... > s_d > 0), U and V [d, r]: an asymmetric factorisation.
//   balanced critical points: a set S of at most r of the s_j, column j of U and V sqrt(s_j) e_j; F = sum_{j not in S} s_j^2 /
//   2; smallest eigenvalue -max_{j not in S} s_j where |S| < r, else -(max_{not in S} s_j - min_{in S} s_j)_+. Minima: the r
//   largest, F* = sum_{j>r} s_j^2 / 2, up to any invertible U Q, V Q^-T (so 0 is an eigenvalue).
// Source: Ge, Jin & Zheng, No Spurious Local Minima in Nonconvex Low Rank Problems, ICML 2017, arXiv:1704.00708, section 4.
#include <algorithm>

#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Factorization final : public Problem {
 public:
  explicit Factorization(const base::Section& s)
      : s_(s.numbers("singular_values", {3, 2, 1}, base::Range::positive(), "of M, falling")), d_(s_.size()) {
    if (d_ < 2 || !std::ranges::is_sorted(s_, std::greater_equal<>()))
      s.fail("singular_values", fmt::format("{} numbers", d_), "two or more, each smaller than the one before");
    r_ = read_size(s, "rank", 2, 1, static_cast<double>(d_), "r: columns of U and V, at most d");
  }
  std::size_t dimension() const override { return 2 * d_ * r_; }
  std::vector<UserTensor> tensors() const override { return {{"left", {d_, r_}}, {"right", {d_, r_}}}; }

  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    const std::vector<double> residual = product(x, x, 1);
    multiply(residual, x, g);
    return 0.5 * dot(residual, residual);
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    std::vector<double> change = product(v, x, 0);
    const std::vector<double> other = product(x, v, 0);
    for (std::size_t k = 0; k < change.size(); ++k) change[k] += other[k];
    multiply(change, x, out);
    multiply(product(x, x, 1), v, out);
  }
  Known known() const override {
    Known known{.convex = false};
    // The r largest; each smaller number of the largest; the r largest without the first.
    for (std::size_t k = r_ + 1; k-- > 0;) known.points.push_back(point(0, k));
    if (r_ < d_) known.points.push_back(point(1, r_));
    known.least = known.points.front().value;
    return known;
  }

 private:
  /// U V' - times * M, U of a and V of b [d, d].
  [[nodiscard]] std::vector<double> product(std::span<const double> a, std::span<const double> b, double times) const {
    std::vector<double> out(d_ * d_);
    for (std::size_t i = 0; i < d_; ++i) {
      for (std::size_t j = 0; j < d_; ++j) out[i * d_ + j] = dot(a.subspan(i * r_, r_), b.subspan((d_ + j) * r_, r_));
      out[i * d_ + i] -= times * s_[i];
    }
    return out;
  }
  /// out += (R V, R' U).
  void multiply(std::span<const double> residual, std::span<const double> x, std::span<double> out) const {
    for (std::size_t i = 0; i < d_; ++i) {
      for (std::size_t j = 0; j < d_; ++j) {
        for (std::size_t k = 0; k < r_; ++k) {
          out[i * r_ + k] += residual[i * d_ + j] * x[(d_ + j) * r_ + k];
          out[(d_ + j) * r_ + k] += residual[i * d_ + j] * x[i * r_ + k];
        }
      }
    }
  }
  /// S = {first, ..., first + count - 1}.
  [[nodiscard]] CriticalPoint point(std::size_t first, std::size_t count) const {
    CriticalPoint p{.kind = first == 0 && count == r_ ? "minimum" : "saddle", .x = std::vector<double>(dimension())};
    double largest_out = 0;
    for (std::size_t j = 0; j < d_; ++j) {
      if (j < first || j >= first + count) {
        largest_out = std::max(largest_out, s_[j]);
        p.value += 0.5 * s_[j] * s_[j];
      } else {
        p.x[j * r_ + j - first] = p.x[(d_ + j) * r_ + j - first] = std::sqrt(s_[j]);
      }
    }
    p.curvature = -(count < r_ ? largest_out : std::max(0.0, largest_out - s_[first + count - 1]));
    return p;
  }
  std::vector<double> s_;
  std::size_t d_;
  std::size_t r_ = 1;
};

}  // namespace

extern const ProblemEntry problem_factorization;
const ProblemEntry problem_factorization{
    .name = "factorization",
    .title = "the best matrix of rank r, as a product of two factors",
    .formula = "F = |U V' - M|_F^2 / 2, M = diag(s), s_1 > ... > s_d > 0, U and V [d, r]",
    .answers =
        "balanced sets S, columns sqrt(s_j) e_j: F = sum_{j not in S} s_j^2 / 2, smallest eigenvalue -max_{j not in S} s_j "
        "where\n|S| < r, else -(max_{not in S} s_j - min_{in S} s_j)_+; minima: the r largest",
    .source = "Ge, Jin & Zheng, ICML 2017, arXiv:1704.00708, section 4",
    .make = make_problem<Factorization>};

}  // namespace talweg::model
