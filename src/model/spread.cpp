// SPDX-License-Identifier: Apache-2.0
#include "model/spread.hpp"

#include <cmath>

#include "base/random.hpp"

namespace talweg::model {
namespace {

class Spread final : public Problem {
 public:
  Spread(std::shared_ptr<Problem> mean, std::size_t terms, double gradient, double curvature, std::uint64_t seed)
      : mean_(std::move(mean)), terms_(terms), gradient_(gradient), curvature_(curvature) {
    const base::Random random(seed, base::Purpose::problem);
    const std::size_t d = mean_->dimension();
    for (std::size_t k = 0; k < terms / 4 * d; ++k) {
      slope_.push_back((random.uniform(k, 0) < 0.5 ? -gradient : gradient) / std::sqrt(static_cast<double>(d)));
      bend_.push_back(random.uniform(k, 1) < 0.5 ? -curvature : curvature);
    }
  }
  std::size_t dimension() const override { return mean_->dimension(); }
  std::size_t terms() const override { return terms_; }
  std::vector<UserTensor> tensors() const override { return mean_->tensors(); }
  std::vector<double> start() const override { return mean_->start(); }
  std::optional<double> lower_bound(std::int64_t steps) const override { return mean_->lower_bound(steps); }

  double value_and_gradient(std::span<const double> x, const UserExample& e, std::span<double> g) const override {
    double value = mean_->value_and_gradient(x, {}, g);
    const Signs s = signs(e);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double b = s.slope * slope_[s.group + j];
      const double c = s.bend * bend_[s.group + j];
      value += b * x[j] + 0.5 * c * x[j] * x[j];
      g[j] += b + c * x[j];
    }
    return value;
  }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample& e,
                      std::span<double> out) const override {
    mean_->hessian_vector(x, v, {}, out);
    const Signs s = signs(e);
    for (std::size_t j = 0; j < x.size(); ++j) out[j] += s.bend * bend_[s.group + j] * v[j];
  }
  Known known() const override {
    Known known = mean_->known();
    if (known.smoothness) known.term_smoothness = *known.smoothness + curvature_;
    known.others.push_back(
        {"gradient variance at 0", gradient_ * gradient_, "mean |grad f_i - grad F|^2 at x = 0; elsewhere, and"});
    known.others.push_back({"its growth", curvature_ * curvature_, "times |x|^2 more"});
    return known;
  }

 private:
  struct Signs {
    double slope;
    double bend;
    std::size_t group;  // where its numbers begin
  };
  [[nodiscard]] Signs signs(const UserExample& e) const {
    return {(e.record & 1U) != 0 ? -1.0 : 1.0, (e.record & 2U) != 0 ? -1.0 : 1.0, e.record / 4 * mean_->dimension()};
  }
  std::shared_ptr<Problem> mean_;
  std::size_t terms_;
  double gradient_;
  double curvature_;
  std::vector<double> slope_;  // [terms / 4, dimension]
  std::vector<double> bend_;
};

}  // namespace

std::shared_ptr<Problem> spread(const base::Section& section, std::shared_ptr<Problem> problem) {
  const std::int64_t terms =
      section.integer("terms", 1, {.low = 1, .high = 1e6}, "n: a sum of n terms with this mean; 1, or a multiple of 4");
  if (terms == 1) return problem;
  if (terms % 4 != 0) section.fail("terms", std::to_string(terms), "1 or a multiple of 4: the terms come in fours");
  const double gradient = section.number("gradient_spread", 1.0, base::Range::non_negative(),
                                         "how far a term's gradient is from the mean at x = 0");
  const double curvature = section.number("curvature_spread", 0.0, base::Range::non_negative(),
                                          "how far each of a term's curvatures is from the mean");
  const auto seed = static_cast<std::uint64_t>(section.integer("seed", 1, base::Range::non_negative(), "of the terms"));
  return std::make_shared<Spread>(std::move(problem), static_cast<std::size_t>(terms), gradient, curvature, seed);
}

}  // namespace talweg::model
