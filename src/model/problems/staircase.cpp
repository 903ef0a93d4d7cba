// SPDX-License-Identifier: Apache-2.0
// Saddle after saddle: F = sum_i (-g x_i^2 / 2 + x_i^4 / 4) + (c/2) sum_{i<d} (1 - x_i^2 / g)^2 x_{i+1}^2, c > g > 0:
// coordinate i + 1 is held at 0 until coordinate i has fallen to +-sqrt g.
//   F* = -d g^2 / 4 at all x_i^2 = g, smallest eigenvalue there 2 g. Saddle k = 0..d-1: k coordinates at +-sqrt g, the rest 0,
//   F = -k g^2 / 4, a diagonal Hessian with one negative eigenvalue, -g.
// The next coordinate shrinks while gradient descent approaches a saddle, and the escape starts from what is left of it, so the
// number of steps grows exponentially with d; with noise it grows linearly. Source: a polynomial form of Du, Jin, Lee, Jordan,
// Singh & Poczos, Gradient Descent Can Take Exponential Time to Escape Saddle Points, NeurIPS 2017.
#include <algorithm>

#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Staircase final : public Problem {
 public:
  explicit Staircase(const base::Section& s)
      : d_(read_size(s, "dimension", 4, 1, 1e6, "d")),
        g_(s.number("gap", 1.0, base::Range::positive(), "g: minus the curvature at the saddles")),
        c_(s.number("coupling", 2.5 * g_, {.low = g_, .open_low = true},
                    "c: holds a coordinate until the one before has fallen")) {}
  std::size_t dimension() const override { return d_; }

  double value_and_gradient(std::span<const double> x, const UserExample&, std::span<double> g) const override {
    double value = 0;
    for (std::size_t i = 0; i < d_; ++i) {
      const double square = x[i] * x[i];
      value += square * (square / 4 - g_ / 2);
      g[i] += x[i] * (square - g_);
      if (i + 1 == d_) continue;
      const double u = 1 - square / g_;
      const double next = x[i + 1];
      value += 0.5 * c_ * u * u * next * next;
      g[i] -= 2 * c_ / g_ * u * x[i] * next * next;
      g[i + 1] += c_ * u * u * next;
    }
    return value;
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample&,
                      std::span<double> out) const override {
    for (std::size_t i = 0; i < d_; ++i) {
      const double square = x[i] * x[i];
      out[i] += (3 * square - g_) * v[i];
      if (i + 1 == d_) continue;
      const double u = 1 - square / g_;
      const double next = x[i + 1];
      const double mixed = -4 * c_ / g_ * u * x[i] * next;
      out[i] += 2 * c_ / g_ * next * next * (2 * square / g_ - u) * v[i] + mixed * v[i + 1];
      out[i + 1] += c_ * u * u * v[i + 1] + mixed * v[i];
    }
  }
  Known known() const override {
    const double step = g_ * g_ / 4;
    Known known{.convex = false, .least = -static_cast<double>(d_) * step};
    known.others = {{"minima", std::pow(2, static_cast<double>(d_)), "every sign of every coordinate"},
                    {"negative eigenvalues", 1, "at each saddle, -g"}};
    known.points.push_back({"minimum", std::vector<double>(d_, std::sqrt(g_)), *known.least, 2 * g_});
    for (std::size_t k = std::min(d_, std::max<std::size_t>(1, kListed / d_)); k-- > 0;) {
      std::vector<double> x(d_);
      std::fill_n(x.begin(), k, std::sqrt(g_));
      known.points.push_back({"saddle", x, -static_cast<double>(k) * step, -g_});
    }
    return known;
  }

 private:
  static constexpr std::size_t kListed = 1'000'000;  // numbers in the list of saddles: all of d saddles would be d^2
  std::size_t d_;
  double g_;
  double c_;
};

}  // namespace

extern const ProblemEntry problem_staircase;
const ProblemEntry problem_staircase{
    .name = "staircase",
    .title = "saddle after saddle on the way to the minimum",
    .formula = "F = sum_i (-g x_i^2 / 2 + x_i^4 / 4) + (c/2) sum_{i<d} (1 - x_i^2 / g)^2 x_{i+1}^2, c > g",
    .answers =
        "F* = -d g^2 / 4 where all x_i^2 = g; saddle k: k coordinates at +-sqrt g, the rest 0, F = -k g^2 / 4, one "
        "negative eigenvalue, -g",
    .source = "a polynomial form of Du, Jin, Lee, Jordan, Singh & Poczos, NeurIPS 2017, arXiv:1705.10412",
    .make = make_problem<Staircase>};

}  // namespace talweg::model
