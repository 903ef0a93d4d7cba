// SPDX-License-Identifier: Apache-2.0
// f_i = (x - c_i)' H (x - c_i) / 2, H diagonal, c_i drawn once: normal, `spread` apart.
//   x* = mean c_i, F* = sum_j h_j Var(c_j) / 2; L = L_max = max h_j, mu = min h_j. A gradient of one term has variance
//   h_j^2 Var(c_j) in coordinate j, everywhere; heavy ball's stationary variance with batch 1 and lr eta, momentum m:
//   eta h Var(c) (1 + m) / ((1 - m) (2 (1 + m) - eta h)).
// Source: Schaul, Zhang & LeCun, No More Pesky Learning Rates, ICML 2013, section 3.
#include <algorithm>

#include "base/random.hpp"
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class NoisyQuadratic final : public Problem {
 public:
  explicit NoisyQuadratic(const base::Section& s)
      : h_(s.numbers("curvatures", {0.1, 0.5, 1, 2}, base::Range::positive(), "h_j, one per coordinate")),
        n_(read_size(s, "terms", 64, 1, 1e7, "n")) {
    if (h_.empty()) s.fail("curvatures", "none", "one number or more");
    const double spread = s.number("spread", 1.0, base::Range::non_negative(), "standard deviation the c_i are drawn with");
    const base::Random random(static_cast<std::uint64_t>(s.integer("seed", 1, base::Range::non_negative(), "of the c_i")),
                              base::Purpose::problem);
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < h_.size(); ++j) c_.push_back(spread * random.normal(i, j));
    }
  }
  std::size_t dimension() const override { return h_.size(); }
  std::size_t terms() const override { return n_; }
  std::vector<double> start() const override { return std::vector<double>(dimension(), 3.0); }

  double value_and_gradient(std::span<const double> x, const UserExample& e, std::span<double> g) const override {
    double value = 0;
    const double* c = c_.data() + e.record * h_.size();
    for (std::size_t j = 0; j < h_.size(); ++j) {
      value += 0.5 * h_[j] * (x[j] - c[j]) * (x[j] - c[j]);
      g[j] += h_[j] * (x[j] - c[j]);
    }
    return value;
  }
  void hessian_vector(std::span<const double>, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    for (std::size_t j = 0; j < h_.size(); ++j) out[j] += h_[j] * v[j];
  }
  Known known() const override {
    const auto [low, high] = std::ranges::minmax(h_);
    const auto n = static_cast<double>(n_);
    std::vector<double> mean(h_.size());
    double least = 0, noise = 0;
    for (std::size_t j = 0; j < h_.size(); ++j) {
      for (std::size_t i = 0; i < n_; ++i) mean[j] += c_[i * h_.size() + j] / n;
      double variance = 0;
      for (std::size_t i = 0; i < n_; ++i) variance += std::pow(c_[i * h_.size() + j] - mean[j], 2) / n;
      least += 0.5 * h_[j] * variance;
      noise += h_[j] * h_[j] * variance;
    }
    return {.convex = true,
            .least = least,
            .smoothness = high,
            .term_smoothness = high,
            .strong_convexity = low,
            .hessian_lipschitz = 0,
            .others = {{"gradient variance", noise, "mean |grad f_i - grad F|^2, at every x"}},
            .points = {{"minimum", mean, least, low}}};
  }

 private:
  std::vector<double> h_;
  std::size_t n_;
  std::vector<double> c_;  // [n, dimension]
};

}  // namespace

extern const ProblemEntry problem_noisy_quadratic;
const ProblemEntry problem_noisy_quadratic{
    .name = "noisy_quadratic",
    .title = "quadratics with one Hessian and many centres",
    .formula = "f_i = (x - c_i)' H (x - c_i) / 2, H = diag(h), c_i normal, drawn once",
    .answers =
        "x* = mean c_i, F* = sum_j h_j Var(c_j) / 2; L = L_max = max h_j, mu = min h_j; gradient variance sum_j h_j^2 "
        "Var(c_j)",
    .source = "Schaul, Zhang & LeCun, ICML 2013, section 3",
    .own_terms = true,
    .make = make_problem<NoisyQuadratic>};

}  // namespace talweg::model
