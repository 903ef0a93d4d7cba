// SPDX-License-Identifier: Apache-2.0
// The estimates of every estimator, without the update rule.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

/// An estimator on a SerialOracle: its estimates as points.
class Estimates {
 public:
  Estimates(const std::string& name, FiniteSum f, std::size_t batch)
      : config_(base::Config::parse(
            "[method]\nsnapshot_every = 1000.0\nrefresh_passes = 1000.0\nrefresh_every = 1000000\nlarge_batches = 1000000\n",
            "test.toml")),
        estimator_(optim::find_entry(name).make_estimator(config_.section("method"))),
        state_(declare(layout_of(f))),
        oracle_(std::move(f), batch, state_.layout().vectors().size()) {}
  /// The estimate of step `step` at x. With `keep` the step is finished: what it keeps is kept.
  Point at(const Point& x, std::int64_t step, bool keep = false) {
    std::ranges::copy(x, oracle_.space().at(state_.vector("x")).begin());
    const optim::Progress progress{.step = step, .factor = 1, .seed = 1};
    optim::StepContext context{oracle_, state_, progress};
    const optim::Estimate estimate = estimator_->estimate(context);
    const optim::Temporary g(oracle_.space());
    const auto memories = oracle_.memories();
    const Point average = estimate.request.memory ? oracle_.point(estimate.request.memory->average) : Point();
    oracle_.gradient_into(estimate.request, g);
    if (!keep && estimate.request.memory) {
      oracle_.memories() = memories;
      oracle_.scatter(average, oracle_.space().at(estimate.request.memory->average));
    }
    if (keep) {
      if (estimate.keep_gradient) oracle_.space().copy(g, *estimate.keep_gradient);
      if (estimate.keep_point) oracle_.space().copy(state_.vector("x"), *estimate.keep_point);
      estimator_->finish(context);
    }
    EXPECT_EQ(oracle_.point(state_.vector("x")), x) << "an estimator may not write x";
    return oracle_.point(g);
  }
  SerialOracle<double>& oracle() { return oracle_; }

 private:
  math::State declare(const math::ParameterLayout& parameters) const {
    math::StateLayout layout;
    layout.vector("x");
    estimator_->declare(layout, parameters);
    return math::State(std::move(layout));
  }
  base::Config config_;
  std::unique_ptr<optim::Estimator> estimator_;
  math::State state_;
  SerialOracle<double> oracle_;
};

double distance(const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return std::sqrt(sum);
}

// The mean of the estimates over the batches of one pass is the full gradient, for every estimator of the catalogue; for the
// recursive ones, given the full gradient of the step before.
TEST(Estimators, AreUnbiasedOverAPass) {
  constexpr std::int64_t kBatches = 12;
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_estimator == nullptr) continue;
    Estimates estimates(std::string(entry->name), least_squares(60, 3), 5);
    estimates.at({1, 2, -3}, 0, true);  // whatever is kept is kept from here
    const Point x = {0.5, 2.5, -1};
    Point mean(3);
    for (std::int64_t step = 1; step <= kBatches; ++step) {
      const Point g = estimates.at(x, step);
      for (std::size_t j = 0; j < 3; ++j) mean[j] += g[j] / kBatches;
    }
    Point full(3);
    estimates.oracle().mean(x, estimates.oracle().all(), full);
    EXPECT_LT(distance(mean, full), 1e-12 * (1 + distance(full, {0, 0, 0}))) << entry->name;
  }
}

// grad F_B(x) - grad F_B(xs) + mu differs from grad F(x) by no more than a multiple of |x - xs|.
TEST(Svrg, ItsErrorVanishesWithTheDistanceToTheSnapshot) {
  Estimates estimates("svrg", least_squares(60, 3), 5);
  const Point snapshot = {1, 2, -3};
  estimates.at(snapshot, 0);
  std::vector<double> errors;
  for (const double away : {1.0, 1e-2, 1e-4}) {
    const Point x = {1 + away, 2, -3};
    Point full(3);
    estimates.oracle().mean(x, estimates.oracle().all(), full);
    errors.push_back(distance(estimates.at(x, 1), full));
  }
  EXPECT_GT(errors[0], 1e-2) << "one batch is not all examples";
  EXPECT_NEAR(errors[1] / errors[0], 1e-2, 1e-6);
  EXPECT_NEAR(errors[2] / errors[0], 1e-4, 1e-8);
}

TEST(Svrg, TakesItsSnapshotsWhenAskedTo) {
  for (const auto& [every, steps_between] :
       std::vector<std::pair<std::string, std::size_t>>{{"1.0", 12}, {"0.25", 3}, {"2.0", 24}, {"1e-3", 1}}) {
    MethodRun<double> run("name = \"svrg\"; lr = 1e-3; snapshot_every = " + every, least_squares(60, 3), {1, 2, -3}, 5);
    run.steps(24);
    EXPECT_EQ(run.oracle().gradients, 24 * 2 * 5 + 24 / steps_between * 60) << "snapshot_every = " << every;
  }
}

// With all examples in a batch the recursion telescopes, and each is gradient descent.
void expect_descent(const std::string& method, double tolerance) {
  const std::string lr = "; lr = 0.05";
  MethodRun<double> plain("name = \"sgd\"" + lr, least_squares(60, 3), {1, 2, -3});
  MethodRun<double> run(method + lr, least_squares(60, 3), {1, 2, -3});
  for (int k = 0; k < 30; ++k) {
    plain.step();
    run.step();
    EXPECT_LE(distance(plain.x(), run.x()), tolerance) << method << ", step " << k;
  }
}

TEST(Sarah, IsGradientDescentOnAllExamples) { expect_descent("name = \"sarah\"; refresh_passes = 10.0", 1e-12); }

// Of one example, or of all at a time, the remembered gradients are the last ones.
TEST(Saga, IsGradientDescentOnAllExamples) {
  expect_descent("name = \"saga\"", 1e-12);
  MethodRun<double> plain("name = \"sgd\"; lr = 0.05", least_squares(1, 3), {1, 2, -3}, 1);
  MethodRun<double> saga("name = \"saga\"; lr = 0.05", least_squares(1, 3), {1, 2, -3}, 1);
  for (int k = 0; k < 30; ++k) {
    plain.step();
    saga.step();
    EXPECT_LE(distance(plain.x(), saga.x()), 1e-13) << "step " << k;
  }
}

TEST(Saga, ItsAverageStaysThatOfWhatItRemembers) {
  MethodRun<double> run("name = \"saga\"; lr = 0.02", least_squares(60, 3), {1, 2, -3}, 7);
  run.steps(500);
  const Point& kept = run.oracle().memories().at(0);
  const Point average = run.oracle().point(run.state().vector("saga.average"));
  for (std::size_t j = 0; j < 3; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < 60; ++i) sum += kept[3 * i + j];
    EXPECT_NEAR(average[j], sum / 60, 1e-12);
  }
}

// Noise has the length it says, and an estimator that keeps its estimates keeps them without it.
TEST(Noise, HasTheLengthOfItsSphereOrBallAndFallsAsItSays) {
  const FiniteSum flat{
      .n = 1, .dimension = 50, .term = [](std::size_t, const Point&, Point&) { return 0.0; }, .hessian_vector = {}};
  const auto steps = [&](const std::string& noise, int count) {
    MethodRun<double> run("name = \"sgd\"; lr = 0.5; " + noise, flat, Point(50));
    std::vector<double> lengths;
    for (int k = 0; k < count; ++k) lengths.push_back(run.step().update_norm);
    return lengths;
  };
  for (const double length : steps("noise = \"sphere\"; noise_scale = 3.0", 20)) EXPECT_NEAR(length, 1.5, 1e-12);
  double mean = 0;
  for (const double length : steps("noise = \"ball\"; noise_scale = 3.0", 400)) {
    EXPECT_LE(length, 1.5);
    mean += length / 400;
  }
  EXPECT_NEAR(mean, 1.5 * 50 / 51, 0.006) << "of d = 50 dimensions: radius d / (d + 1)";
  double first = 0, later = 0;
  const auto annealed = steps("noise = \"gaussian\"; noise_variance = 0.4; noise_power = 1.0", 200);
  for (int k = 0; k < 20; ++k) first += annealed[static_cast<std::size_t>(k)] * annealed[static_cast<std::size_t>(k)] * (1 + k);
  for (int k = 180; k < 200; ++k)
    later += annealed[static_cast<std::size_t>(k)] * annealed[static_cast<std::size_t>(k)] * (1 + k);
  EXPECT_NEAR(first / 20, 0.25 * 0.4 * 50, 5 * 0.25 * 0.4 * 10 / std::sqrt(20.0));
  EXPECT_NEAR(later / 20, 0.25 * 0.4 * 50, 5 * 0.25 * 0.4 * 10 / std::sqrt(20.0));
}

// Langevin steps sample exp(-F / T): on F = a x^2 / 2 the variance is T / (a (1 - lr a / 2)), whatever the schedule says.
TEST(Noise, LangevinSamplesAtItsTemperature) {
  MethodRun<double> run("name = \"sgd\"; lr = 0.4; noise = \"langevin\"; temperature = 0.3", quadratic(Point(40, 2.0)),
                        Point(40));
  run.progress().factor = 0.5;
  run.steps(100);
  double sum = 0;
  constexpr int kSteps = 4000;
  for (int k = 0; k < kSteps; ++k) {
    run.step();
    for (const double x : run.x()) sum += x * x;
  }
  const double expected = 0.3 / (2.0 * (1 - 0.2 * 2.0 / 2));
  EXPECT_NEAR(sum / (40.0 * kSteps), expected, 0.02 * expected);
}

TEST(Noise, DoesNotEnterWhatSarahKeeps) {
  const std::string sarah = "name = \"sarah\"; lr = 1e-12; refresh_passes = 1000.0";
  MethodRun<double> quiet(sarah, least_squares(60, 3), {1, 2, -3}, 5);
  MethodRun<double> noisy(sarah + "; noise = \"sphere\"; noise_scale = 10.0", least_squares(60, 3), {1, 2, -3}, 5);
  quiet.steps(20);
  noisy.steps(20);
  EXPECT_LT(distance(quiet.oracle().point(quiet.state().vector("sarah.gradient")),
                     noisy.oracle().point(noisy.state().vector("sarah.gradient"))),
            1e-8);
}

TEST(Sarah, StopsItsInnerLoopWhereTheGradientHasFallen) {
  MethodRun<double> run("name = \"sarah\"; lr = 0.05; refresh_passes = 1000.0; stop_ratio = 0.125", least_squares(60, 3),
                        {1, 2, -3}, 5);
  double full = run.step().gradient_norm;
  int refreshes = 0;
  bool refresh = false;
  for (int k = 1; k < 100; ++k) {
    const std::size_t before = run.oracle().gradients;
    const double norm = run.step().gradient_norm;
    EXPECT_EQ(run.oracle().gradients - before, refresh ? 60U : 10U) << "step " << k;
    if (refresh) {
      full = norm;
      ++refreshes;
      refresh = false;
    } else {
      refresh = norm * norm <= 0.125 * full * full;
    }
  }
  EXPECT_GE(refreshes, 2);
}

TEST(Page, IsGradientDescentOnAllExamplesOrWhenItAlwaysRefreshes) {
  expect_descent("name = \"page\"", 1e-12);
  for (const char* always : {"refresh_probability = 1.0", "refresh_every = 1"}) {
    MethodRun<double> plain("name = \"sgd\"; lr = 0.05", least_squares(60, 3), {1, 2, -3});
    MethodRun<double> run(std::string("name = \"page\"; lr = 0.05; ") + always, least_squares(60, 3), {1, 2, -3}, 5);
    plain.steps(30);
    run.steps(30);
    EXPECT_EQ(plain.x(), run.x()) << always;
  }
}

TEST(Page, RefreshesAsOftenAsItSays) {
  MethodRun<double> boost("name = \"page\"; lr = 1e-3; refresh_every = 6", least_squares(60, 3), {1, 2, -3}, 5);
  boost.steps(24);
  EXPECT_EQ(boost.oracle().gradients, 4U * 60U + 20U * 10U);
  MethodRun<double> chance("name = \"page\"; lr = 1e-3", least_squares(60, 3), {1, 2, -3}, 5);
  constexpr int kSteps = 4000;
  chance.steps(kSteps);
  const double p = 5.0 / 65;
  const double share = (static_cast<double>(chance.oracle().gradients) / kSteps - 10) / 50;
  EXPECT_NEAR(share, p, 4 * std::sqrt(p * (1 - p) / kSteps));
}

}  // namespace
}  // namespace talweg::test
