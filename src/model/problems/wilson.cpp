// SPDX-License-Identifier: Apache-2.0
// Two solutions of one least squares problem: f_i = (a_i'x - y_i)^2 / 2, y_i = +1 for the first `positives`, else -1;
//   a_i = (y_i, 1, 1, 0, ..., 0), then five columns of its own: one 1 where y_i = 1, five where y_i = -1.
//   F* = 0, reached by the point of least norm, where sgd from 0 ends: A' alpha, and by sign(A'y) / 4, where adaptive methods
// end. A new example has none of those columns: the second solution predicts y / 4 + 1/2 > 0 for every y, the first one
// predicts by y.
// Source: Wilson, Roelofs, Stern, Srebro & Recht, The Marginal Value of Adaptive Gradient Methods in Machine Learning, NeurIPS
// 2017, section 3.3.
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Wilson final : public Problem {
 public:
  explicit Wilson(const base::Section& s)
      : n_(read_size(s, "terms", 10, 2, 1e5, "n")), positives_(read_size(s, "positives", 6, 1, 1e5, "examples with y = +1")) {
    if (2 * positives_ <= n_ || positives_ >= n_)
      s.fail("positives", std::to_string(positives_), fmt::format("more than half of the {} terms, and not all", n_));
  }
  std::size_t dimension() const override { return 3 + 5 * n_; }
  std::size_t terms() const override { return n_; }

  double value_and_gradient(std::span<const double> x, const UserExample& e, std::span<double> g) const override {
    const double r = score(x, e.record) - label(e.record);
    add(r, e.record, g);
    return 0.5 * r * r;
  }
  void hessian_vector(std::span<const double>, std::span<const double> v, const UserExample& e,
                      std::span<double> out) const override {
    add(score(v, e.record), e.record, out);
  }
  Known known() const override {
    // A' alpha with one alpha for each label: (1, 1) solves
    //   positives:  w1 + 2 w2 + p = 1, negatives: -w1 + 2 w2 + 5 m = -1, w1 = P p - N m, w2 = P p + N m.
    const auto P = static_cast<double>(positives_);
    const auto N = static_cast<double>(n_ - positives_);
    const double determinant = (3 * P + 1) * (3 * N + 5) - P * N;
    const double p = (3 * N + 5 + N) / determinant;
    const double m = -(3 * P + 1 + P) / determinant;
    std::vector<double> least_norm(dimension()), sign(dimension());
    for (std::size_t i = 0; i < n_; ++i) add(label(i) > 0 ? p : m, i, least_norm);
    for (std::size_t i = 0; i < n_; ++i) add(label(i), i, sign);
    for (double& v : sign) v = v > 0 ? 0.25 : v < 0 ? -0.25 : 0;
    return {.convex = true,
            .least = 0,
            .term_smoothness = 8,
            .hessian_lipschitz = 0,
            .others = {{"new y = -1, least norm", -least_norm[0] + 2 * least_norm[1], "its score where sgd ends"},
                       {"new y = -1, sign", 0.25, "its score where adaptive methods end: the wrong side"}},
            .points = {{"minimum", least_norm, 0, 0}, {"minimum", sign, 0, 0}}};
  }

 private:
  [[nodiscard]] double label(std::size_t i) const { return i < positives_ ? 1 : -1; }
  [[nodiscard]] std::size_t own(std::size_t i) const { return i < positives_ ? 1 : 5; }
  [[nodiscard]] double score(std::span<const double> x, std::size_t i) const {
    double sum = label(i) * x[0] + x[1] + x[2];
    for (std::size_t j = 0; j < own(i); ++j) sum += x[3 + 5 * i + j];
    return sum;
  }
  void add(double weight, std::size_t i, std::span<double> to) const {
    to[0] += weight * label(i);
    to[1] += weight;
    to[2] += weight;
    for (std::size_t j = 0; j < own(i); ++j) to[3 + 5 * i + j] += weight;
  }
  std::size_t n_;
  std::size_t positives_;
};

}  // namespace

extern const ProblemEntry problem_wilson;
const ProblemEntry problem_wilson{
    .name = "wilson",
    .title = "least squares where adaptive methods end at a solution that does not generalise",
    .formula = "f_i = (a_i'x - y_i)^2 / 2, a_i = (y_i, 1, 1, own columns: one 1 where y_i = 1, five where y_i = -1)",
    .answers =
        "F* = 0 at the point of least norm A' alpha (sgd from 0) and at sign(A'y) / 4 (adaptive methods); a new y = -1 has "
        "score 1/4 there",
    .source = "Wilson, Roelofs, Stern, Srebro & Recht, NeurIPS 2017, arXiv:1705.08292, section 3.3",
    .own_terms = true,
    .make = make_problem<Wilson>};

}  // namespace talweg::model
