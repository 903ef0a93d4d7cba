// SPDX-License-Identifier: Apache-2.0
// Local SGD and elastic averaging: one worker is SGD, averages are averages, the centre follows.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

const Point kFrom = {1, 2, -3};

Point mean_of_workers(MethodRun<double>& run, int workers) {
  Point mean(3);
  for (int k = 0; k < workers; ++k) {
    const Point w = run.oracle().point(run.state().vector("local." + std::to_string(k)));
    for (std::size_t j = 0; j < 3; ++j) mean[j] += w[j] / workers;
  }
  return mean;
}

TEST(LocalSgd, OfOneWorkerIsSgd) {
  MethodRun<double> plain("name = \"sgd\"; lr = 0.02", least_squares(60, 3), kFrom, 5);
  MethodRun<double> local("name = \"local_sgd\"; lr = 0.02; workers = 1; period = 3", least_squares(60, 3), kFrom, 5);
  for (int k = 0; k < 30; ++k) {
    plain.step();
    local.step();
    for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(local.x()[j], plain.x()[j], 1e-13) << k;
  }
}

// Averaged after every step of each, on a quadratic, it is SGD on batches of K minibatches.
TEST(LocalSgd, ThatAveragesAtOnceIsSgdOnLargerBatches) {
  MethodRun<double> large("name = \"sgd\"; lr = 0.02", least_squares(60, 3), kFrom, 15);
  MethodRun<double> local("name = \"local_sgd\"; lr = 0.02; workers = 3; period = 1", least_squares(60, 3), kFrom, 5);
  for (int k = 0; k < 20; ++k) {
    large.step();
    local.steps(3);
    for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(local.x()[j], large.x()[j], 1e-12) << k;
  }
}

TEST(LocalSgd, ItsParametersAreTheMeanOfItsWorkersAtEveryStep) {
  MethodRun<double> run("name = \"local_sgd\"; lr = 0.02; workers = 3; period = 4", least_squares(60, 3), kFrom, 5);
  for (int k = 1; k <= 36; ++k) {
    run.step();
    const Point mean = mean_of_workers(run, 3);
    for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(run.x()[j], mean[j], 1e-13) << k;
    const bool together =
        run.oracle().point(run.state().vector("local.0")) == run.oracle().point(run.state().vector("local.2"));
    EXPECT_EQ(together, k % 12 == 0) << k;
  }
}

TEST(Easgd, ItsWorkersMoveByTheirOwnGradientsAndTheCentreByThem) {
  MethodRun<double> run("name = \"easgd\"; lr = 0.1; workers = 2; period = 2; moving_rate = 0.5", quadratic({1, 2, 3}), kFrom);
  Point centre = kFrom;
  std::vector<Point> w = {kFrom, kFrom};
  for (int t = 0; t < 20; ++t) {
    run.step();
    Point& v = w[static_cast<std::size_t>(t % 2)];
    const double pull = (t / 2) % 2 == 0 ? 0.25 : 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const double g = static_cast<double>(j + 1) * v[j];
      const double force = pull * (v[j] - centre[j]);
      v[j] -= force + 0.1 * g;
      centre[j] += force;
    }
    for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(run.x()[j], centre[j], 1e-14) << t;
  }
  EXPECT_LT(std::abs(centre[0]), 1) << "and the centre came with them";
}

TEST(Psgd, AddsNoiseOfItsLengthToEveryGradient) {
  constexpr std::size_t kSize = 200;
  MethodRun<double> run("name = \"psgd\"; lr = 0.5; radius = 3.0", quadratic(Point(kSize, 0.0)), Point(kSize, 1.0));
  double squared = 0;
  for (int k = 0; k < 50; ++k) squared += std::pow(run.step().update_norm / 0.5, 2) / 50;
  EXPECT_NEAR(squared, 9, 9 * 4 * std::sqrt(2.0 / (kSize * 50)));
  MethodRun<double> quiet("name = \"psgd\"; lr = 0.02; radius = 0.0", least_squares(60, 3), kFrom, 5);
  MethodRun<double> plain("name = \"sgd\"; lr = 0.02", least_squares(60, 3), kFrom, 5);
  quiet.steps(30);
  plain.steps(30);
  EXPECT_EQ(quiet.x(), plain.x());
}

TEST(Psgd, TheTheoremsConstantsAreThose) {
  const std::string theory =
      "name = \"psgd\"; mode = \"theory\"; smoothness = 4.0; hessian_lipschitz = 1.0; gradient_variance = 0.02; epsilon = "
      "0.01; c "
      "= 1.0";
  constexpr std::size_t kSize = 1000;
  MethodRun<double> run(theory, quadratic(Point(kSize, 0.0)), Point(kSize, 1.0));
  const double n = 1 + 0.02 / 1e-4 * kSize;
  auto report = run.step();
  EXPECT_NEAR(report.learning_rate, 1 / (4 * n), 1e-15);
  EXPECT_NEAR(report.update_norm / report.learning_rate, 0.01 * std::sqrt(n), 0.1 * 0.01 * std::sqrt(n));
  MethodRun<double> smooth(theory + "; batch_smoothness = 8.0", quadratic(Point(kSize, 0.0)), Point(kSize, 1.0));
  EXPECT_NEAR(smooth.step().learning_rate, 1 / (4 * (1 + 200 + 64 / (4 * 0.1))), 1e-15);
}

// F = x^2/2 - y^2/2 + y^4/4 from the saddle, in each of twenty runs.
TEST(Psgd, LeavesASaddle) {
  const FiniteSum saddle{.n = 1,
                         .dimension = 2,
                         .term =
                             [](std::size_t, const Point& x, Point& g) {
                               g[0] += x[0];
                               g[1] += -x[1] + x[1] * x[1] * x[1];
                               return 0.5 * x[0] * x[0] - 0.5 * x[1] * x[1] + 0.25 * std::pow(x[1], 4);
                             },
                         .hessian_vector = {}};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    MethodRun<double> run("name = \"psgd\"; lr = 0.1; radius = 1e-3", saddle, {0, 0});
    run.progress().seed = seed;
    run.steps(300);
    EXPECT_NEAR(run.value(), -0.25, 1e-6) << "seed " << seed;
  }
}

}  // namespace
}  // namespace talweg::test
