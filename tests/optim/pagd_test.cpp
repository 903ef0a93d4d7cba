// SPDX-License-Identifier: Apache-2.0
// Perturbed accelerated gradient descent: one branch of the algorithm at a time, then a staircase of saddles.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

/// sum(-g x_i^2 / 2 + x_i^4 / 4) + (c / 2) sum_{i < d} (1 - x_i^2 / g)^2 x_{i+1}^2, g = 1, c = 2.5: saddle after saddle on the
/// way to F* = -d / 4.
FiniteSum staircase(std::size_t d) {
  return {.n = 1,
          .dimension = d,
          .term =
              [d](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t i = 0; i < d; ++i) {
                  value += -x[i] * x[i] / 2 + std::pow(x[i], 4) / 4;
                  g[i] += -x[i] + std::pow(x[i], 3);
                  if (i + 1 == d) continue;
                  const double u = 1 - x[i] * x[i];
                  value += 1.25 * u * u * x[i + 1] * x[i + 1];
                  g[i] += -5 * u * x[i] * x[i + 1] * x[i + 1];
                  g[i + 1] += 2.5 * u * u * x[i + 1];
                }
                return value;
              },
          .hessian_vector = {}};
}

// Without noise and negative curvature: y = x + (1 - theta) v, x' = y - eta grad F(y), v' = x' - x.
TEST(Pagd, IsNesterovsMethodWhereFIsConvex) {
  const Point a = {1, 2, 4};
  MethodRun<double> run("name = \"pagd\"; lr = 0.1; theta = 0.3; gradient_threshold = 1e-300", quadratic(a), {1, -2, 3});
  Point x = {1, -2, 3}, v(3);
  for (int k = 0; k < 30; ++k) {
    run.step();
    for (std::size_t j = 0; j < 3; ++j) {
      const double y = x[j] + 0.7 * v[j];
      const double next = y - 0.1 * a[j] * y;
      v[j] = next - x[j];
      x[j] = next;
      EXPECT_NEAR(run.x()[j], x[j], 1e-13) << "step " << k;
    }
  }
  EXPECT_EQ(run.state().counter("pagd.exploited"), 0);
  EXPECT_EQ(run.oracle().gradients, 60U);
}

// F = -2 x^2: from x = 1 the first step makes v = 4 eta; in the second F is concave along v.
TEST(Pagd, DropsALongMomentumOfNegativeCurvatureAndFollowsAShortOne) {
  const auto second = [](const char* exploit) {
    MethodRun<double> run(
        fmt::format("name = \"pagd\"; lr = 0.01; theta = 0.1; gamma = 0.5; exploit_length = {}; gradient_threshold = 1e-9",
                    exploit),
        quadratic({-4}), {1});
    run.step();
    EXPECT_NEAR(run.x()[0], 1.04, 1e-15);
    run.step();
    EXPECT_EQ(run.state().counter("pagd.exploited"), 1);
    return run.x()[0];
  };
  EXPECT_NEAR(second("0.02"), 1.04, 1e-15) << "|v| = 0.04 is long: x stays";
  EXPECT_NEAR(second("0.5"), 1.54, 1e-15) << "the better side of x +- 0.5";
}

TEST(Pagd, NoiseIsAddedOncePerInterval) {
  MethodRun<double> run("name = \"pagd\"; lr = 1e-12; radius = 0.5; noise_interval = 3; gradient_threshold = 1e9",
                        quadratic(Point(50, 1e-9)), Point(50, 0.0));
  std::vector<int> noisy;
  for (int k = 0; k < 9; ++k) {
    run.step();
    if (run.state().counter("pagd.noise_step") == k) noisy.push_back(k);
  }
  EXPECT_EQ(noisy, (std::vector<int>{0, 4, 8}));
}

TEST(Pagd, DescendsAStaircaseOfSaddles) {
  for (const std::size_t d : {4U, 6U}) {
    MethodRun<double> run(
        "name = \"pagd\"; lr = 0.05; theta = 0.2; gamma = 0.5; exploit_length = 0.1; radius = 0.01; gradient_threshold = 1e-2; "
        "noise_interval = 50",
        staircase(d), Point(d, 0.0));
    int steps = 0;
    while (run.value() > -0.25 * static_cast<double>(d) + 1e-3 && steps < 3000) {
      run.step();
      ++steps;
    }
    EXPECT_LT(steps, 3000) << "F = " << run.value() << " in " << d << " dimensions";
  }
}

TEST(Pagd, TheTheoremsConstantsWorkToo) {
  MethodRun<double> run(
      "name = \"pagd\"; mode = \"theory\"; smoothness = 2.0; hessian_lipschitz = 6.0; epsilon = 0.1; objective_gap = 1.0",
      staircase(1), {0});
  run.steps(3000);
  EXPECT_NEAR(run.value(), -0.25, 1e-3) << "from the saddle at 0";
}

}  // namespace
}  // namespace talweg::test
