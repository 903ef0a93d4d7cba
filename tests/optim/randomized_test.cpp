// SPDX-License-Identifier: Apache-2.0
// rsg, rspg, rsgf: the step they end at, what they do until then, and the bound executed.
#include <array>
#include <map>
#include <set>

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

TEST(Rsg, SaysWhatItsEndIs) {
  MethodRun<double> run("name = \"rsg\"; lr = 0.1; iterations = 4", least_squares(20, 3), {1, 2, -3}, 5);
  optim::StepReport report;
  while (report.outcome == optim::Outcome::going_on) report = run.step();
  EXPECT_EQ(report.outcome, optim::Outcome::ended) << "nothing converged";
  EXPECT_NE(report.message.find("of N = 4 was drawn"), std::string::npos) << report.message;
}

/// |grad F| over all examples.
template <class Real>
double full_gradient(MethodRun<Real>& run, const Point& at) {
  Point g(at.size());
  run.oracle().mean(at, run.oracle().all(), g);
  double sum = 0;
  for (const double v : g) sum += v * v;
  return std::sqrt(sum);
}

// With all examples to judge by: the candidate kept is the one of the smallest gradient, each begins at x_0, and is the x_R of
// a run with its R and its minibatches.
TEST(TwoPhase, KeepsTheBestOfItsCandidates) {
  constexpr int kCandidates = 5;
  const Point start = {1, 2, -3};
  MethodRun<double> run(
      fmt::format("name = \"rsg\"; lr = 0.02; iterations = 30; candidates = {}; judge_batches = 4", kCandidates),
      least_squares(20, 3), start, 5);
  std::vector<double> norms;
  std::vector<int> lengths;
  Point best;
  optim::StepReport report;
  int since = 0;
  while (report.outcome == optim::Outcome::going_on) {
    const Point before = run.x();
    if (since == 0) {
      EXPECT_EQ(before, start);
    }
    const std::size_t gradients = run.oracle().gradients;
    report = run.step();
    ++since;
    if (report.message.find("candidate") == std::string::npos) {
      EXPECT_EQ(run.oracle().gradients - gradients, 5U);
      continue;
    }
    EXPECT_EQ(run.oracle().gradients - gradients, 20U) << "four minibatches of five are all";
    norms.push_back(full_gradient(run, before));
    EXPECT_NEAR(report.gradient_norm, norms.back(), 1e-12);
    if (norms.back() == *std::ranges::min_element(norms)) best = before;
    lengths.push_back(since);
    since = 0;
  }
  EXPECT_EQ(report.outcome, optim::Outcome::ended);
  ASSERT_EQ(norms.size(), static_cast<std::size_t>(kCandidates));
  EXPECT_EQ(run.x(), best);
  EXPECT_GT(std::set<int>(lengths.begin(), lengths.end()).size(), 2U) << "every run has an R of its own";
}

TEST(TwoPhase, OfRspgJudgesByTheProxGradient) {
  const SoftThreshold prox(0.3);
  const Point start = {1, 2, -3};
  MethodRun<double> run("name = \"rspg\"; lr = 0.05; iterations = 6; candidates = 3", least_squares(20, 3), start, 0, &prox);
  optim::StepReport report;
  double least = std::numeric_limits<double>::infinity();
  while (report.outcome == optim::Outcome::going_on) {
    const Point x = run.x();
    report = run.step();
    if (report.message.find("candidate") == std::string::npos) continue;
    Point g(3);
    run.oracle().mean(x, run.oracle().all(), g);
    double squared = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const double to = x[j] - 0.05 * g[j];
      const double next = to > 0.015 ? to - 0.015 : to < -0.015 ? to + 0.015 : 0;
      squared += std::pow((x[j] - next) / 0.05, 2);
    }
    EXPECT_NEAR(report.gradient_norm, std::sqrt(squared), 1e-10);
    least = std::min(least, report.gradient_norm);
  }
  EXPECT_NE(report.message.find(fmt::format("{:.6g}", least)), std::string::npos) << report.message;
}

TEST(TwoPhase, CountsTheStepsOfAllItsRuns) {
  const auto config = base::Config::parse("[method]\nname = \"rsg\"\niterations = 50\ncandidates = 3\n", "run.toml");
  const auto method = optim::build_method(config.section("method"));
  EXPECT_NO_THROW(optim::check_needs(config.section("method"), *method, offer_without({}, 150)));
  EXPECT_THROW(optim::check_needs(config.section("method"), *method, offer_without({}, 149)), base::Error);
}

// P(R = k) = 3 k (k + 1) / (N (N + 1) (N + 2)): of N = 3 it is 0.1, 0.3, 0.6.
TEST(Rsag, EndsAtAStepThatIsRatherLate) {
  std::array<int, 4> seen{};
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    MethodRun<double> run("name = \"rsag\"; lr = 0.02; iterations = 3", least_squares(20, 3), {1, 2, -3}, 5);
    run.progress().seed = seed;
    const int steps = steps_until_end(run, 10) + 1;  // the last one moves, too
    ASSERT_TRUE(steps >= 1 && steps <= 3) << steps;
    ++seen[static_cast<std::size_t>(steps)];
  }
  EXPECT_NEAR(seen[1], 40, 24);  // four deviations of a binomial
  EXPECT_NEAR(seen[2], 120, 37);
  EXPECT_NEAR(seen[3], 240, 40);
}

TEST(Rsag, TakesBatchesThatGrow) {
  MethodRun<double> run("name = \"rsag\"; lr = 0.02; batch_growth = 0.5; iterations = 100000", least_squares(60, 3), {1, 2, -3},
                        5);
  for (const std::size_t expected : {5U, 5U, 10U, 10U, 15U, 15U, 20U}) {
    const std::size_t before = run.oracle().gradients;
    run.step();
    EXPECT_EQ(run.oracle().gradients - before, expected);
  }
}

// On all examples of a convex F it is Nesterov's method: F(xa) - F* <= 4 L |x_0 - x*|^2 / (N (N + 1)).
TEST(Rsag, AcceleratesOnAConvexFunction) {
  const Point a = {0.001, 0.01, 0.1, 1};
  MethodRun<double> run("name = \"rsag\"; lr = 0.5; iterations = 1000000", quadratic(a), Point(4, 1.0));
  for (int n = 1; n <= 200; ++n) {
    run.step();
    EXPECT_LE(run.value(), 4.0 * 4 / (n * (n + 1.0))) << n;
  }
  EXPECT_LT(run.value(), 1e-3);
  MethodRun<double> plain("name = \"gd\"; lr = 0.5", quadratic(a), Point(4, 1.0));
  plain.steps(200);
  EXPECT_GT(plain.value(), 2 * run.value());
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
    optim::check_needs(config.section("method"), *method, offer_without({}, steps));
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
