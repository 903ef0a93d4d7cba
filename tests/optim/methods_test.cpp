// SPDX-License-Identifier: Apache-2.0
// Variance reduction, quasi-Newton, perturbed descent, Lanczos and schedules on problems with known answers.
#include <numbers>

#include "optim/lanczos.hpp"
#include "optim/line_search.hpp"
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

double norm(const Point& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

/// |grad F| at the run's point.
template <class Real>
double gradient_norm(MethodRun<Real>& run) {
  Point g(run.x().size());
  run.oracle().mean(run.x(), run.oracle().all(), g);
  return norm(g);
}

TEST(Svrg, ConvergesWhereSgdStalls) {
  MethodRun<double> svrg("name = \"svrg\"; lr = 0.05; snapshot_every = 2", least_squares(60, 4), {0, 0, 0, 0}, 5);
  MethodRun<double> sgd("name = \"sgd\"; lr = 0.05", least_squares(60, 4), {0, 0, 0, 0}, 5);
  svrg.steps(1200);
  sgd.steps(1200);
  EXPECT_LT(gradient_norm(svrg), 1e-10);
  EXPECT_GT(gradient_norm(sgd), 1e-3);
}

TEST(Svrg, IsTheFullGradientAtTheSnapshotAndUnbiasedAwayFromIt) {
  MethodRun<double> run("name = \"svrg\"; lr = 1e-9", least_squares(60, 3), {1, 2, -3}, 5);
  const double full = gradient_norm(run);
  EXPECT_NEAR(run.step().gradient_norm, full, 1e-10 * full) << "at the snapshot the minibatch parts cancel";
  EXPECT_EQ(run.oracle().gradients, 60U + 2 * 5U) << "a snapshot costs n, a step 2 b";
  run.step();
  EXPECT_EQ(run.oracle().gradients, 60U + 4 * 5U);
}

FiniteSum rosenbrock() {
  return {.n = 1,
          .dimension = 2,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                const double a = 1 - x[0];
                const double b = x[1] - x[0] * x[0];
                g[0] += -2 * a - 400 * b * x[0];
                g[1] += 200 * b;
                return a * a + 100 * b * b;
              },
          .hessian_vector = {}};
}

TEST(Lbfgs, SolvesRosenbrock) {
  MethodRun<double> run("name = \"lbfgs\"", rosenbrock(), {-1.2, 1});
  int steps = 0;
  while (gradient_norm(run) > 1e-9 && steps < 100) {
    run.step();
    ++steps;
  }
  EXPECT_LT(steps, 60);
  EXPECT_NEAR(run.x()[0], 1, 1e-8);
  EXPECT_NEAR(run.x()[1], 1, 1e-8);
}

TEST(Lbfgs, SolvesAnIllConditionedQuadraticWithAFullMemory) {
  Point a, start;
  for (int j = 0; j < 10; ++j) {
    a.push_back(std::pow(10.0, j * 0.5));
    start.push_back(1);
  }
  MethodRun<double> run("name = \"lbfgs\"; memory = 10", quadratic(a), start);
  run.steps(150);
  EXPECT_LT(gradient_norm(run), 1e-4) << "from 3e4";
}

// Close to the minimum F's differences are rounding, and only the approximate test lets the method go on.
TEST(Lbfgs, GoesOnWhereDifferencesOfFDrown) {
  FiniteSum lifted = quadratic({1, 3, 10, 100});
  const auto plain = lifted.term;
  lifted.term = [plain](std::size_t i, const Point& x, Point& g) { return 1e8 + plain(i, x, g); };
  MethodRun<double> run("name = \"lbfgs\"", lifted, {1, 1, 1, 1});
  for (int k = 0; k < 60; ++k) {
    if (run.step().outcome != optim::Outcome::going_on) break;
  }
  EXPECT_LT(gradient_norm(run), 1e-8) << "F is 1e8 here: its rounding unit is 1.5e-8";
}

TEST(Lbfgs, StopsAtAZeroGradient) {
  MethodRun<double> run("name = \"lbfgs\"", quadratic({1, 2}), {0, 0});
  const auto report = run.step();
  EXPECT_EQ(report.outcome, optim::Outcome::converged);
}

TEST(Lbfgs, FailsWhenNothingDescendsAndRoundingIsNotWhy) {
  FiniteSum liar = quadratic({1});
  liar.term = [](std::size_t, const Point& x, Point& g) {
    g[0] += -1;  // says: go right; but F rises there
    return x[0];
  };
  MethodRun<double> run("name = \"lbfgs\"", liar, {0});
  const auto report = run.step();
  EXPECT_EQ(report.outcome, optim::Outcome::failed);
  EXPECT_NE(report.message.find("Wolfe"), std::string::npos);
  EXPECT_EQ(run.x()[0], 0) << "a stuck step leaves x where it was";
}

TEST(Lbfgs, AsksForValuesAndSlopesInOneRequest) {
  MethodRun<double> run("name = \"lbfgs\"", quadratic({1, 2, 3}), {1, 1, 1});
  run.step();
  EXPECT_GE(run.oracle().values, run.oracle().line_requests);
  EXPECT_LE(run.oracle().line_requests, 3U);
  EXPECT_EQ(run.oracle().gradients, 2U) << "one at the start, one at the new point";
}

TEST(Wolfe, AcceptedLengthsSatisfyTheConditions) {
  const optim::WolfeOptions options{.c2 = 0.1};
  for (const double first : {1e-6, 1e-3, 1.0, 100.0}) {
    SerialOracle<double> oracle(rosenbrock(), 0, 2);
    auto& space = oracle.space();
    const optim::Vector x{0};
    const optim::Vector d{1};
    space.at(x) = std::vector<double>(16);
    space.at(d) = std::vector<double>(16);
    space.at(x)[0] = -1.2;
    space.at(x)[1] = 1;
    Point g(2);
    const double value = oracle.mean(oracle.point(x), oracle.all(), g);
    space.at(d)[0] = -g[0];
    space.at(d)[1] = -g[1];
    const optim::LinePoint start{.length = 0, .value = value, .slope = -g[0] * g[0] - g[1] * g[1]};
    const auto found = optim::wolfe_search(oracle, x, d, start, first, options).accepted;
    ASSERT_TRUE(found) << "first length " << first;
    EXPECT_LE(found->value, start.value + options.c1 * found->length * start.slope) << first;
    EXPECT_LE(std::abs(found->slope), options.c2 * std::abs(start.slope)) << first;
  }
}

TEST(Wolfe, TheTestsAreTheTextbooks) {
  const optim::WolfeOptions o{.c1 = 0.1, .c2 = 0.5};
  const optim::LinePoint start{.length = 0, .value = 1, .slope = -1};
  EXPECT_TRUE(optim::satisfies_wolfe(start, {.length = 1, .value = 0.5, .slope = 0.4}, o));
  EXPECT_FALSE(optim::satisfies_wolfe(start, {.length = 1, .value = 0.95, .slope = 0.9}, o)) << "rises too steeply";
  EXPECT_FALSE(optim::satisfies_wolfe(start, {.length = 1, .value = 0.5, .slope = -0.6}, o)) << "still falls steeply";
  EXPECT_TRUE(optim::satisfies_wolfe(start, {.length = 1, .value = 1 + 5e-7, .slope = 0.4}, o)) << "the approximate test";
  EXPECT_FALSE(optim::satisfies_wolfe(start, {.length = 1, .value = 1 + 5e-6, .slope = 0.4}, o)) << "above its tolerance";
}

// F = x^2/2 - y^2/2 + y^4/4: a saddle at 0, minima at (0, +-1) with F = -1/4.
FiniteSum strict_saddle() {
  return {.n = 1,
          .dimension = 2,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                g[0] += x[0];
                g[1] += -x[1] + x[1] * x[1] * x[1];
                return 0.5 * x[0] * x[0] - 0.5 * x[1] * x[1] + 0.25 * std::pow(x[1], 4);
              },
          .hessian_vector =
              [](const Point& x, const Point& v) {
                return Point{v[0], (-1 + 3 * x[1] * x[1]) * v[1]};
              }};
}

TEST(Pgd, LeavesASaddleWhereGradientDescentStays) {
  MethodRun<double> plain("name = \"sgd\"; lr = 0.1", strict_saddle(), {1, 0});
  plain.steps(500);
  EXPECT_LT(norm(plain.x()), 1e-6) << "gradient descent from the saddle's stable manifold ends at it";
  MethodRun<double> run(
      "name = \"pgd\"; lr = 0.1; radius = 0.01; gradient_threshold = 1e-3; noise_interval = 100; decrease_threshold = 1e-4",
      strict_saddle(), {1, 0});
  optim::StepReport report;
  int steps = 0;
  do {
    report = run.step();
    ++steps;
  } while (report.outcome == optim::Outcome::going_on && steps < 2000);
  EXPECT_EQ(report.outcome, optim::Outcome::converged);
  EXPECT_NEAR(std::abs(run.x()[1]), 1, 1e-2);
  EXPECT_NEAR(run.value(), -0.25, 1e-4);
}

TEST(Pgd, TheTheoremsConstantsWorkToo) {
  MethodRun<double> run(
      "name = \"pgd\"; mode = \"theory\"; smoothness = 2.0; hessian_lipschitz = 6.0; epsilon = 0.1; objective_gap = 1.0; c = "
      "1.0",
      strict_saddle(), {0, 0});
  optim::StepReport report;
  int steps = 0;
  do {
    report = run.step();
    ++steps;
  } while (report.outcome == optim::Outcome::going_on && steps < 20000);
  EXPECT_EQ(report.outcome, optim::Outcome::converged) << steps << " steps";
  EXPECT_NEAR(std::abs(run.x()[1]), 1, 0.05);
}

TEST(Pgd, NoiseStaysInItsBall) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    MethodRun<double> run("name = \"pgd\"; lr = 1e-12; radius = 0.5", quadratic(Point(50, 0.0)), Point(50, 0.0));
    run.progress().seed = seed;
    run.step();
    EXPECT_LE(norm(run.x()), 0.5 + 1e-12);
    EXPECT_GT(norm(run.x()), 0.3) << "in 50 dimensions nearly all of a ball is near its surface";
  }
}

TEST(Lanczos, FindsTheSmallestEigenvalueAndItsResidual) {
  Point a;
  for (int j = 0; j < 200; ++j) a.push_back(1 + 0.05 * j);
  a[77] = -0.5;
  SerialOracle<double> oracle(quadratic(a), 0, 2);
  const auto pair =
      optim::smallest_eigenpair(oracle, {0}, oracle.all(), {.iterations = 100, .tolerance = 1e-9, .seed = 1}, {1});
  EXPECT_NEAR(pair.value, -0.5, 1e-9);
  EXPECT_LT(pair.residual, 1e-7);
  EXPECT_LT(pair.iterations, 102);
  EXPECT_NEAR(std::abs(oracle.point({1})[77]), 1, 1e-6);
  EXPECT_NEAR(pair.largest, a.back(), 0.01);
  EXPECT_FALSE(pair.exhausted);
}

TEST(Lanczos, SpansASmallSpace) {
  SerialOracle<double> oracle(quadratic({3, -1, 2, 2, 5}), 0, 2);
  const auto pair = optim::smallest_eigenpair(oracle, {0}, oracle.all(), {.iterations = 100, .tolerance = 0, .seed = 1}, {1});
  EXPECT_TRUE(pair.exhausted);
  EXPECT_NEAR(pair.value, -1, 1e-10);
  EXPECT_LE(pair.iterations, 6);
}

TEST(Lanczos, ACutOffIterationSaysSoByItsResidual) {
  Point a(500);
  for (std::size_t j = 0; j < a.size(); ++j) a[j] = static_cast<double>(j);
  SerialOracle<double> oracle(quadratic(a), 0, 2);
  const auto pair = optim::smallest_eigenpair(oracle, {0}, oracle.all(), {.iterations = 4, .tolerance = 1e-9, .seed = 1}, {1});
  EXPECT_GT(pair.residual, 1.0);
  EXPECT_GE(pair.value, 0.0) << "a Rayleigh quotient is never below the smallest eigenvalue";
}

double factor(const std::string& text, std::int64_t step, std::int64_t steps = 100, std::int64_t per_epoch = 10) {
  std::string lines = "[schedule]\n" + text + "\n";
  std::ranges::replace(lines, ';', '\n');
  return optim::build_schedule(base::Config::parse(lines, "test.toml").section("schedule"))
      ->factor({.step = step, .steps = steps, .steps_per_epoch = per_epoch});
}

TEST(Schedules, HaveTheirFormulas) {
  EXPECT_EQ(factor("", 57), 1);
  EXPECT_NEAR(factor("kind = \"exponential\"; rate = 0.5", 25), std::pow(0.5, 2.5), 1e-15);
  EXPECT_NEAR(factor("kind = \"exponential\"; rate = 0.5; staircase = true", 25), 0.25, 1e-15);
  EXPECT_NEAR(factor("kind = \"exponential\"; rate = 0.5; every = 5.0", 25), std::pow(0.5, 0.5), 1e-15);
  EXPECT_NEAR(factor("kind = \"cosine\"", 0), 1, 1e-15);
  EXPECT_NEAR(factor("kind = \"cosine\"; final = 0.1", 50), 0.1 + 0.9 * 0.5, 1e-15);
  EXPECT_NEAR(factor("kind = \"cosine\"; final = 0.1", 100), 0.1, 1e-15);
}

TEST(Schedules, OfTensorflowHaveTheirFormulas) {
  const std::string piecewise = "kind = \"piecewise\"; boundaries = [2.0, 5.0]; factors = [1.0, 0.5, 0.1]";
  EXPECT_EQ(factor(piecewise, 20), 1) << "up to and with the boundary";
  EXPECT_EQ(factor(piecewise, 21), 0.5);
  EXPECT_EQ(factor(piecewise, 51), 0.1);
  EXPECT_NEAR(factor("kind = \"natural_exponential\"; rate = 0.5", 25), std::exp(-1.25), 1e-15);
  EXPECT_NEAR(factor("kind = \"natural_exponential\"; rate = 0.5; staircase = true", 25), std::exp(-1.0), 1e-15);
  EXPECT_NEAR(factor("kind = \"inverse_time\"; rate = 0.5", 25), 1 / 2.25, 1e-15);
  EXPECT_NEAR(factor("kind = \"inverse_time\"; rate = 0.5; staircase = true", 25), 0.5, 1e-15);
  EXPECT_NEAR(factor("kind = \"polynomial\"; over = 4.0; power = 2.0; final = 0.1", 10), 0.9 * 0.5625 + 0.1, 1e-15);
  EXPECT_NEAR(factor("kind = \"polynomial\"; over = 4.0; power = 2.0; final = 0.1", 90), 0.1, 1e-15);
  EXPECT_NEAR(factor("kind = \"polynomial\"; over = 4.0; cycle = true", 50), 1 - 50.0 / 80, 1e-15);
  EXPECT_NEAR(factor("kind = \"polynomial\"", 25), 0.75, 1e-15) << "over the whole run";
}

TEST(Schedules, OfTheoryAndOfNetworksHaveTheirFormulas) {
  EXPECT_NEAR(factor("kind = \"inverse_power\"", 24), 0.2, 1e-15);
  EXPECT_NEAR(factor("kind = \"inverse_power\"; power = 1.0", 24), 0.04, 1e-15);
  EXPECT_NEAR(factor("kind = \"horizon\"; theta = 3.0", 57), 0.3, 1e-15);
  EXPECT_NEAR(factor("kind = \"horizon\"; theta = 3.0; form = \"decreasing\"", 99), 0.3, 1e-15);
  EXPECT_EQ(factor("kind = \"horizon\"; theta = 30.0", 57), 1);
  EXPECT_NEAR(factor("kind = \"sgdr\"; first = 2.0; final = 0.1", 10), 0.55, 1e-15);
  EXPECT_NEAR(factor("kind = \"sgdr\"; first = 2.0", 20), 1, 1e-15) << "a warm restart";
  EXPECT_NEAR(factor("kind = \"sgdr\"; first = 2.0", 40), 0.5, 1e-15) << "half of a cycle of 4 epochs";
  EXPECT_NEAR(factor("kind = \"one_cycle\"", 0), 0.04, 1e-15);
  EXPECT_NEAR(factor("kind = \"one_cycle\"", 29), 1, 1e-15) << "torch: the top is at step rise * steps - 1";
  EXPECT_NEAR(factor("kind = \"one_cycle\"", 99), 0.04 / 1e4, 1e-15);
  EXPECT_NEAR(factor("kind = \"warmup_stable_decay\"; decay = 0.4; final = 0.1", 60), 1, 1e-15);
  EXPECT_NEAR(factor("kind = \"warmup_stable_decay\"; decay = 0.4; final = 0.1", 80), 0.55, 1e-15);
}

// Every schedule of the registry: finite, within [0, 1] with its defaults, a function of progress alone; the last step
// included.
TEST(Schedules, StayWithinTheirRate) {
  for (const optim::ScheduleEntry& entry : optim::schedules()) {
    const std::string text = "kind = \"" + std::string(entry.name) + "\"\n" + std::string(entry.example);
    for (const std::int64_t steps : {1, 2, 100}) {
      for (std::int64_t step = 0; step <= steps; ++step) {
        const double f = factor(text, step, steps);
        EXPECT_TRUE(f >= 0 && f <= 1) << entry.name << ", step " << step << " of " << steps << ": " << f;
      }
    }
  }
}

TEST(Schedules, PiecewiseWithoutBoundariesIsRefused) {
  for (const char* text : {"kind = \"piecewise\"", "kind = \"piecewise\"; factors = [0.5]"}) {
    try {
      factor(text, 0);
      ADD_FAILURE() << text << " was taken";
    } catch (const base::Error& e) {
      EXPECT_NE(std::string(e.what()).find("schedule.boundaries: found none"), std::string::npos) << e.what();
    }
  }
}

/// The factors after each of these evaluations.
std::vector<double> plateau(const std::string& keys, const std::vector<double>& values) {
  std::string lines = "[schedule]\nkind = \"plateau\"\n" + keys;
  std::ranges::replace(lines, ';', '\n');
  const auto schedule = optim::build_schedule(base::Config::parse(lines, "test.toml").section("schedule"));
  EXPECT_TRUE(schedule->observes());
  optim::ScheduleMemory memory;
  std::vector<double> factors;
  for (const double value : values) {
    schedule->observe(value, memory);
    factors.push_back(schedule->factor({.step = 0, .steps = 100, .steps_per_epoch = 10, .reduced = memory.factor}));
  }
  return factors;
}

// Worked out by hand from Keras' ReduceLROnPlateau.
TEST(Schedules, PlateauFallsWhenEvaluationsStopGettingBetter) {
  using Factors = std::vector<double>;
  EXPECT_EQ(plateau("shrink = 0.5; patience = 2", {3, 2, 2, 2, 2, 2, 1, 1, 1}),
            (Factors{1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125}));
  EXPECT_EQ(plateau("shrink = 0.5; patience = 2; threshold = 1.5", {3, 2, 1, 1}), (Factors{1, 1, 1, 1}))
      << "1 is better than 3 by more than 1.5, 2 is not";
  EXPECT_EQ(plateau("shrink = 0.5; patience = 1; cooldown = 2", {3, 3, 3, 3, 3, 3}), (Factors{1, 0.5, 0.5, 0.25, 0.25, 0.125}))
      << "the evaluation after the cooldown's first is not counted, the one that ends it is";
  EXPECT_EQ(plateau("shrink = 0.1; patience = 1; least = 0.05", {3, 3, 3, 3}), (Factors{1, 0.1, 0.05, 0.05}));
  EXPECT_EQ(plateau("patience = 1", {-1, -2, -3}), (Factors{1, 1, 1})) << "a best below zero is a best";
}

TEST(Schedules, OthersDoNotGoByEvaluations) {
  for (const optim::ScheduleEntry& entry : optim::schedules()) {
    const std::string text = "[schedule]\nkind = \"" + std::string(entry.name) + "\"\n" + std::string(entry.example);
    EXPECT_EQ(optim::build_schedule(base::Config::parse(text, "test.toml").section("schedule"))->observes(),
              entry.name == "plateau");
  }
}

TEST(Schedules, WarmUpGrowsLinearlyThenTheKindBegins) {
  for (const char* kind : {"constant", "exponential", "cosine"}) {
    const std::string text = std::string("kind = \"") + kind + "\"; warmup = 2.0";  // 20 steps
    EXPECT_NEAR(factor(text, 0), 1.0 / 20, 1e-15) << kind;
    EXPECT_NEAR(factor(text, 9), 0.5, 1e-15) << kind;
    EXPECT_NEAR(factor(text, 19), 1, 1e-15) << kind;
    EXPECT_NEAR(factor(text, 20), 1, 1e-15) << kind << " starts at its own beginning";
  }
  EXPECT_NEAR(factor("kind = \"cosine\"; warmup = 2.0", 60), 0.5, 1e-15) << "half of the 80 steps that are left";
}

// A short run, or a trial one, may be all warm-up: its rate still grows.
TEST(Schedules, WarmUpMayTakeTheWholeRun) {
  for (const char* kind : {"constant", "exponential", "cosine"}) {
    const std::string text = std::string("kind = \"") + kind + "\"; warmup = 10.0";
    EXPECT_NEAR(factor(text, 49), 0.5, 1e-15) << kind;
    EXPECT_NEAR(factor(text, 99), 1, 1e-15) << kind;
    EXPECT_NEAR(factor(text, 49, 50), 0.5, 1e-15) << kind << ": the run ends before the warm-up does";
  }
}

}  // namespace
}  // namespace talweg::test
