// SPDX-License-Identifier: Apache-2.0
// rsg, rspg, rsgf: the step they end at, what they do until then, and the bound executed.
#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

/// Steps that moved x before the run said it was over.
template <class Real>
int steps_until_end(MethodRun<Real>& run, int most) {
  for (int k = 0; k < most; ++k) {
    if (run.step().outcome != optim::Outcome::going_on) return k;
  }
  return -1;
}

TEST(Rsg, EndsAtAUniformStepAndPaysForTheStepsBefore) {
  std::array<int, 4> seen{};
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    MethodRun<double> run("name = \"rsg\"; lr = 0.1; iterations = 4", least_squares(20, 3), {1, 2, -3}, 5);
    run.progress().seed = seed;
    const int steps = steps_until_end(run, 10);
    ASSERT_TRUE(steps >= 0 && steps < 4) << steps;
    EXPECT_EQ(run.oracle().gradients, static_cast<std::size_t>(5 * steps));
    ++seen[static_cast<std::size_t>(steps)];
  }
  for (const int count : seen) EXPECT_NEAR(count, 100, 35);  // four deviations of a binomial
}

// Without noise E |grad F(x_R)|^2 <= 2 L (F(x_0) - F*) / N, the mean over R taken over every R there is.
TEST(Rsg, MeetsItsBoundOverTheDrawsOfR) {
  constexpr std::size_t kSteps = 40;
  constexpr double kL = 2;
  const Point a = {0.01, 0.1, kL}, start = {3, 3, 3};
  std::map<int, double> squared;  // by R - 1
  double fall = 0;
  for (std::uint64_t seed = 1; squared.size() < kSteps && seed <= 1000; ++seed) {
    MethodRun<double> run(fmt::format("name = \"rsg\"; lr = 0.5; iterations = {}", kSteps), quadratic(a), start);
    run.progress().seed = seed;
    fall = run.value();
    const int steps = steps_until_end(run, kSteps + 1);
    ASSERT_GE(steps, 0);
    double& norm = squared[steps] = 0;
    for (std::size_t j = 0; j < a.size(); ++j) norm += std::pow(a[j] * run.x()[j], 2);
  }
  ASSERT_EQ(squared.size(), kSteps);
  double mean = 0;
  for (const auto& [steps, norm] : squared) mean += norm / kSteps;
  EXPECT_LE(mean, 2 * kL * fall / kSteps);
  EXPECT_GT(mean, kL * fall / kSteps);  // and the bound is a tight one here
}

TEST(Rspg, IsProximalGradientOnAllExamplesUntilItEnds) {
  const SoftThreshold prox(0.3);
  MethodRun<double> run("name = \"rspg\"; lr = 0.05; iterations = 1000", least_squares(40, 3), {1, 2, -3}, 0, &prox);
  MethodRun<double> plain("name = \"proximal_gradient\"; lr = 0.05", least_squares(40, 3), {1, 2, -3}, 0, &prox);
  int steps = 0;
  while (run.step().outcome == optim::Outcome::going_on && steps < 50) {
    plain.step();
    EXPECT_EQ(run.x(), plain.x());
    ++steps;
  }
  EXPECT_GT(steps, 5);
}

// The mean of u u' is I, and on a quadratic the difference is u'grad + m u'Hu / 2, whose second part has mean 0 against u.
TEST(Rsgf, ItsDirectionsAverageToTheGradient) {
  constexpr double kLr = 1e-9;
  constexpr int kSteps = 20000;
  const Point a = {1, 2, 3}, start = {1, -1, 2};
  MethodRun<double> run(fmt::format("name = \"rsgf\"; lr = {}; iterations = 1000000000", kLr), quadratic(a), start);
  run.steps(kSteps);
  EXPECT_EQ(run.oracle().values, 2U * kSteps);
  EXPECT_EQ(run.oracle().gradients, 0U);
  for (std::size_t j = 0; j < 3; ++j)
    EXPECT_NEAR((start[j] - run.x()[j]) / (kLr * kSteps), a[j] * start[j], 0.25) << j;  // |grad| sqrt(2 / kSteps) = 0.06
}

TEST(Rsg, CountsItsRunInSteps) {
  const auto config = base::Config::parse("[method]\nname = \"rsg\"\niterations = 50\n", "run.toml");
  const auto method = optim::build_method(config.section("method"));
  const auto check = [&](std::int64_t steps) {
    optim::check_needs(config.section("method"), *method, {.full_batch = true, .steps = steps});
  };
  EXPECT_NO_THROW(check(50));
  EXPECT_THROW(check(49), base::Error);
  try {
    check(0);  // run.epochs
    ADD_FAILURE();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("run.steps = 50 or more, and not run.epochs"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace talweg::test
