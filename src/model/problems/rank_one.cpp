// SPDX-License-Identifier: Apache-2.0
// F = |u u' - M|_F^2 / 4, M = diag(l_1 > l_2 > ... > 0): the best symmetric matrix of rank one.
//   critical: 0 and +-sqrt(l_k) e_k, F = (sum l_j^2 - l_k^2) / 4, Hessian eigenvalues 2 l_k and l_k - l_j: minima at k = 1, all
//   others saddles (at 0 the Hessian is -M).
// Source: Jin, Ge, Netrapalli, Kakade & Jordan, ICML 2017, arXiv:1703.00887, section 3 (their example of a strict saddle).
#include <algorithm>

#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class RankOne final : public Problem {
 public:
  explicit RankOne(const base::Section& s)
      : l_(s.numbers("eigenvalues", {4, 3, 2, 1}, base::Range::positive(), "of M, falling")) {
    if (l_.size() < 2 || !std::ranges::is_sorted(l_, std::greater_equal<>()))
      s.fail("eigenvalues", fmt::format("{} numbers", l_.size()), "two or more, each smaller than the one before");
  }
  std::size_t dimension() const override { return l_.size(); }

  double value_and_gradient(std::span<const double> u, const UserExample&, std::span<double> g) const override {
    const double square = dot(u, u);
    double value = square * square;
    for (std::size_t j = 0; j < l_.size(); ++j) {
      value += l_[j] * l_[j] - 2 * l_[j] * u[j] * u[j];
      g[j] += (square - l_[j]) * u[j];
    }
    return value / 4;
  }
  void hessian_vector(std::span<const double> u, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    const double square = dot(u, u);
    const double along = 2 * dot(u, v);
    for (std::size_t j = 0; j < l_.size(); ++j) out[j] += (square - l_[j]) * v[j] + along * u[j];
  }
  Known known() const override {
    double all = 0;
    for (const double l : l_) all += l * l;
    Known known{.convex = false, .least = (all - l_[0] * l_[0]) / 4};
    for (std::size_t k = 0; k <= l_.size(); ++k) {
      std::vector<double> u(l_.size());
      const double l = k < l_.size() ? l_[k] : 0;
      if (k < l_.size()) u[k] = std::sqrt(l);
      const double smallest = k > 0 ? l - l_[0] : std::min(2 * l, l - l_[1]);
      known.points.push_back({k == 0 ? "minimum" : "saddle", u, (all - l * l) / 4, smallest});
    }
    return known;
  }

 private:
  std::vector<double> l_;
};

}  // namespace

extern const ProblemEntry problem_rank_one;
const ProblemEntry problem_rank_one{
    .name = "rank_one",
    .title = "the best symmetric matrix of rank one",
    .formula = "F = |u u' - M|_F^2 / 4, M = diag(l), l_1 > l_2 > ... > 0",
    .answers =
        "minima +-sqrt(l_1) e_1, F* = sum_{j>1} l_j^2 / 4; saddles 0 and +-sqrt(l_k) e_k, F = (sum l_j^2 - l_k^2) / 4,\n"
        "eigenvalues l_k - l_j and 2 l_k",
    .source = "Jin, Ge, Netrapalli, Kakade & Jordan, ICML 2017, arXiv:1703.00887, section 3",
    .make = make_problem<RankOne>};

}  // namespace talweg::model
