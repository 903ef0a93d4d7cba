// SPDX-License-Identifier: Apache-2.0
// The population objective of phase retrieval: F = mean over normal a of ((a'x)^2 - (a'x*)^2)^2 / 4
//   = (3 |x|^4 + 3 q^2 - 2 q |x|^2 - 4 (x'x*)^2) / 4, q = |x*|^2.
//   minima +-x*, F* = 0, eigenvalues 2 q (d - 1 times) and 6 q; saddles x orthogonal to x*, |x|^2 = q / 3, F = 2 q^2 / 3,
//   smallest eigenvalue -2 q; at 0 F = 3 q^2 / 4, smallest eigenvalue -3 q.
// Source: Sun, Qu & Wright, A Geometric Analysis of Phase Retrieval, Found. Comput. Math. 18 (2018), theorem 2.1.
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class PhaseRetrieval final : public Problem {
 public:
  explicit PhaseRetrieval(const base::Section& s) : signal_(read_size(s, "dimension", 10, 2, 1e6, "d")) {
    for (std::size_t j = 0; j < signal_.size(); ++j) signal_[j] = std::cos(1.7 * static_cast<double>(j));
    square_ = dot(signal_, signal_);
  }
  std::size_t dimension() const override { return signal_.size(); }

  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    const double xx = dot(x, x);
    const double xs = dot(x, signal_);
    for (std::size_t j = 0; j < x.size(); ++j) g[j] += (3 * xx - square_) * x[j] - 2 * xs * signal_[j];
    return (3 * xx * xx + 3 * square_ * square_ - 2 * square_ * xx - 4 * xs * xs) / 4;
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    const double xx = dot(x, x);
    const double xv = dot(x, v);
    const double vs = dot(v, signal_);
    for (std::size_t j = 0; j < x.size(); ++j) out[j] += (3 * xx - square_) * v[j] + 6 * xv * x[j] - 2 * vs * signal_[j];
  }
  Known known() const override {
    const double q = square_;
    std::vector<double> minus = signal_;
    for (double& v : minus) v = -v;
    std::vector<double> across(signal_.size());
    const double scale = std::sqrt(q / 3 / (signal_[0] * signal_[0] + signal_[1] * signal_[1]));
    across[0] = scale * signal_[1];
    across[1] = -scale * signal_[0];
    return {.convex = false,
            .least = 0,
            .points = {{"minimum", signal_, 0, 2 * q},
                       {"minimum", minus, 0, 2 * q},
                       {"saddle", across, 2 * q * q / 3, -2 * q},
                       {"saddle", std::vector<double>(signal_.size()), 0.75 * q * q, -3 * q}}};
  }

 private:
  std::vector<double> signal_;  // x*_j = cos(1.7 j)
  double square_ = 0;
};

}  // namespace

extern const ProblemEntry problem_phase_retrieval;
const ProblemEntry problem_phase_retrieval{
    .name = "phase_retrieval",
    .title = "phase retrieval with all measurements there are",
    .formula = "F = (3 |x|^4 + 3 q^2 - 2 q |x|^2 - 4 (x'x*)^2) / 4, q = |x*|^2, x*_j = cos(1.7 j)",
    .answers =
        "minima +-x*, F* = 0, eigenvalues 2 q and 6 q; saddles x orthogonal to x* with |x|^2 = q / 3, F = 2 q^2 / 3, smallest\n"
        "eigenvalue -2 q; at 0 -3 q",
    .source = "Sun, Qu & Wright, Found. Comput. Math. 18 (2018), arXiv:1602.06664",
    .make = make_problem<PhaseRetrieval>};

}  // namespace talweg::model
