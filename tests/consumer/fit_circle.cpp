// SPDX-License-Identifier: Apache-2.0
// A user's own f_i, with no network in sight: the circle (a, b, r) nearest to n points,
// f_i = ((|p_i - (a, b)|^2 - r^2) / 2)^2 / 2, trained by two methods on the same bits as any Talweg run.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <talweg/train.hpp>

namespace {

class Circle final : public talweg::model::UserTerms {
 public:
  std::vector<talweg::model::UserTensor> tensors() const override { return {{"centre", {2}}, {"radius", {1}}}; }
  double value_and_gradient(std::span<const double> x, const talweg::model::UserExample& point,
                            std::span<double> g) const override {
    const double dx = x[0] - point.features[0];
    const double dy = x[1] - point.features[1];
    const double e = 0.5 * (dx * dx + dy * dy - x[2] * x[2]);
    g[0] += e * dx;
    g[1] += e * dy;
    g[2] -= e * x[2];
    return 0.5 * e * e;
  }
  std::string describe() const override { return "circle fit"; }
};

/// The circle that [method] finds for points around (1, -2) at distance 3.
bool finds_the_circle(const char* method) {
  talweg::train::TrainOptions options;
  options.terms = std::make_shared<Circle>();
  talweg::model::UserRows rows{.count = 300, .features = 2, .rows = {}, .targets = std::vector<double>(300)};
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / 300;
    rows.rows.push_back(1 + 3 * std::cos(angle));
    rows.rows.push_back(-2 + 3 * std::sin(angle));
  }
  options.rows = rows;
  const auto config = talweg::base::Config::parse(method, "embedded");
  const auto world = talweg::comm::alone();
  const auto result = talweg::train::train(config, options, *world, {});
  const auto& centre = result.parameters.at(0).values;
  const double radius = std::abs(result.parameters.at(1).values.at(0));
  std::printf("%s: centre (%.6f, %.6f), radius %.6f\n", result.summary.method.c_str(), centre[0], centre[1], radius);
  return std::abs(centre[0] - 1) < 1e-3 && std::abs(centre[1] + 2) < 1e-3 && std::abs(radius - 3) < 1e-3;
}

}  // namespace

int main() {
  const bool adam =
      finds_the_circle("[method]\nname = \"adam\"\nlr = 0.05\n[run]\nepochs = 400\nbatch = 50\nprecision = \"float64\"\n");
  const bool lbfgs =
      finds_the_circle("[method]\nname = \"lbfgs\"\n[run]\nsteps = 60\nbatch = \"full\"\nprecision = \"float64\"\n");
  return adam && lbfgs ? EXIT_SUCCESS : EXIT_FAILURE;
}
