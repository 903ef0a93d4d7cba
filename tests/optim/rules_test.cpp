// SPDX-License-Identifier: Apache-2.0
// FirstOrder's own parts, clip and reports, and the catalogue's names.
#include <algorithm>
#include <array>
#include <cmath>

#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

TEST(FirstOrder, ReportsNormsAndTheLearningRateAfterTheSchedule) {
  MethodRun<double> run("name = \"sgd\"; lr = 0.5", quadratic({1, 1}), {3, 4});
  run.progress().factor = 0.2;
  const auto report = run.step();
  EXPECT_DOUBLE_EQ(report.loss, 12.5);
  EXPECT_DOUBLE_EQ(report.gradient_norm, 5);
  EXPECT_DOUBLE_EQ(report.learning_rate, 0.1);
  EXPECT_DOUBLE_EQ(report.update_norm, 0.5);
  EXPECT_DOUBLE_EQ(report.parameter_norm, 4.5);
}

TEST(FirstOrder, ClipsTheGlobalNorm) {
  MethodRun<double> clipped("name = \"sgd\"; lr = 1.0; clip_global_norm = 0.5", quadratic({1, 1}), {3, 4});
  const auto report = clipped.step();
  EXPECT_DOUBLE_EQ(report.gradient_norm, 5) << "the norm is reported as it was";
  EXPECT_NEAR(clipped.x()[0], 3 - 0.3, 1e-12);
  EXPECT_NEAR(clipped.x()[1], 4 - 0.4, 1e-12);
  MethodRun<double> untouched("name = \"sgd\"; lr = 1.0; clip_global_norm = 50.0", quadratic({1, 1}), {3, 4});
  untouched.step();
  EXPECT_NEAR(untouched.x()[0], 0, 1e-12);
}

/// f(x) = (3 x_0, 4 x_1; 12 x_2), its gradient the same everywhere: two tensors of norms 5 and 12.
FiniteSum slope() {
  return {.n = 1000,
          .dimension = 3,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                const Point a = {3, 4, 12};
                double value = 0;
                for (std::size_t j = 0; j < 3; ++j) g[j] += a[j], value += a[j] * x[j];
                return value;
              },
          .hessian_vector = {},
          .shapes = {{2}, {1}}};
}

/// -x after one step of sgd with lr = 1 from 0: what is left of the gradient.
Point clipped_by(const std::string& key) {
  MethodRun<double> run("name = \"sgd\"; lr = 1.0; " + key, slope(), {0, 0, 0});
  EXPECT_DOUBLE_EQ(run.step().gradient_norm, 13) << key << ": the norm is reported as it was";
  Point g = run.x();
  for (double& v : g) v = -v;
  return g;
}

void expect_near(const Point& found, const Point& expected, const std::string& what) {
  for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_NEAR(found[j], expected[j], 1e-12) << what << ", element " << j;
}

// tf.clip_by_value, clip_by_norm, clip_by_global_norm and clip_by_average_norm on a gradient of two tensors.
TEST(FirstOrder, ClipsInFourWays) {
  expect_near(clipped_by("clip_value = 3.5"), {3, 3.5, 3.5}, "value");
  expect_near(clipped_by("clip_norm = 6.0"), {3, 4, 6}, "norm");
  expect_near(clipped_by("clip_norm = 1.0"), {0.6, 0.8, 1}, "norm");
  expect_near(clipped_by("clip_global_norm = 6.5"), {1.5, 2, 6}, "global norm");
  expect_near(clipped_by("clip_average_norm = 2.0"), {2.4, 3.2, 2}, "average norm");  // 5 / 2 elements; 12 / 1
}

TEST(FirstOrder, ClipsBeforeARuleThatSeesWholeTensors) {
  for (const std::string key : {"clip_value = 3.5", "clip_norm = 6.0", "clip_global_norm = 6.5"}) {
    const Point g = clipped_by(key);
    MethodRun<double> run("name = \"lars\"; lr = 1.0; momentum = 0.0; weight_decay = 0.0; trust_coefficient = 1.0; " + key,
                          slope(), {0, 0, 0});
    run.step();
    for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(run.x()[j], -g[j], 1e-12) << key << ": |x| = 0 leaves the gradient";
  }
}

TEST(FirstOrder, DecoupledWeightDecayShrinksBesideTheRule) {
  MethodRun<double> run("name = \"momentum\"; lr = 0.1; momentum = 0.5; decoupled_weight_decay = 2.0", slope(), {1, 1, 1});
  run.steps(2);
  // x_1 = 0.8 - 0.1 a, x_2 = 0.8 x_1 - 0.15 a: the decay is not in the buffer
  expect_near(run.x(), {0.64 - 0.23 * 3, 0.64 - 0.23 * 4, 0.64 - 0.23 * 12}, "decay");
}

TEST(FirstOrder, AveragesAreTheOutput) {
  const auto after = [](const std::string& keys, int steps) {
    MethodRun<double> run("name = \"sgd\"; lr = 1.0; " + keys, slope(), {0, 0, 0});
    run.steps(steps);
    EXPECT_NEAR(run.x()[0], -3 * steps, 1e-12) << "the iterates go on as they would: " << keys;
    return run.output()[0] / -3;  // x_t = -3 t: means of the t
  };
  EXPECT_NEAR(after("average = \"polyak\"", 5), 3, 1e-12);
  EXPECT_NEAR(after("average = \"polyak\"; average_from = 4", 6), 5, 1e-12);
  EXPECT_NEAR(after("average = \"polyak\"; average_from = 4", 2), 2, 1e-12) << "before its time the average is x";
  EXPECT_NEAR(after("average = \"stochastic_weight\"; average_from = 2; average_every = 3", 9), (2 + 5 + 8) / 3.0, 1e-12);
  double average = 1;
  for (int t = 2; t <= 30; ++t) average += (1 - std::min(0.6, t / (9.0 + t))) * (t - average);
  EXPECT_NEAR(after("average = \"exponential\"; average_decay = 0.6", 30), average, 1e-12);
}

TEST(FirstOrder, ARandomOutputIsEveryIterateAlikeOften) {
  constexpr int kSeeds = 2000;
  std::array<int, 6> times{};
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    MethodRun<double> run("name = \"sgd\"; lr = 1.0; average = \"random\"; average_from = 2", slope(), {0, 0, 0});
    run.progress().seed = seed;
    run.steps(5);
    ++times.at(static_cast<std::size_t>(std::lround(run.output()[0] / -3)));  // R, as x_t = -3 t
  }
  EXPECT_EQ(times[0] + times[1], 0);
  for (std::size_t t = 2; t <= 5; ++t) EXPECT_NEAR(times[t], kSeeds / 4, 5 * std::sqrt(kSeeds * 0.25 * 0.75)) << t;
}

TEST(FirstOrder, VarianceReducedRunsMayEndAtARandomIterate) {
  for (const char* name : {"storm", "sarah", "page", "scsg", "svrg"}) {
    MethodRun<double> run(fmt::format("name = \"{}\"; lr = 0.1; average = \"random\"", name), slope(), {0, 0, 0});
    std::vector<double> visited;
    for (int t = 0; t < 20; ++t) {
      run.steps(1);
      visited.push_back(run.x()[0]);
    }
    const auto at = std::ranges::find(visited, run.output()[0]);
    EXPECT_TRUE(at != visited.end() && at + 1 != visited.end()) << name << ": neither an iterate nor the last";
  }
}

TEST(FirstOrder, LookaheadGoesBackTowardsTheSlowWeights) {
  MethodRun<double> run("name = \"sgd\"; lr = 1.0; lookahead = 3; lookahead_alpha = 0.5", slope(), {0, 0, 0});
  run.steps(3);
  EXPECT_NEAR(run.x()[0], -4.5, 1e-12);
  run.steps(3);
  EXPECT_NEAR(run.x()[0], -9, 1e-12) << "-4.5 + (-13.5 + 4.5) / 2";
}

// k batches of b in turn are one batch of k b.
TEST(FirstOrder, AccumulatedGradientsAreThoseOfALargerBatch) {
  for (const std::string method :
       {"name = \"adam\"; lr = 0.1", "name = \"lamb\"; lr = 0.1", "name = \"momentum\"; clip_value = 2.0"}) {
    MethodRun<double> large(method, least_squares(60, 3), {1, 2, -3}, 12);
    MethodRun<double> small(method + "; accumulate = 3", least_squares(60, 3), {1, 2, -3}, 4);
    for (int k = 0; k < 4; ++k) {
      large.step();
      const Point before = small.x();
      small.steps(2);
      EXPECT_EQ(small.x(), before) << method << ": x moves at every third step";
      small.step();
      for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(small.x()[j], large.x()[j], 1e-12) << method;
    }
  }
}

// A rule's own oracle calls come when it steps, and go by its steps.
TEST(FirstOrder, CostsOfARuleComeWithItsSteps) {
  for (const std::string method : {"name = \"sophia\"; hessian_every = 2", "name = \"vsgd\"; probes = 3"}) {
    MethodRun<double> run(method + "; accumulate = 3", least_squares(60, 3), {1, 2, -3}, 4);
    std::size_t before = 0;
    std::vector<std::size_t> found;
    for (int k = 0; k < 12; ++k) {
      const optim::Cost says = run.method().cost({.step = k, .n = 60, .batch = 4, .batches_per_epoch = 15, .seed = 1});
      run.step();
      EXPECT_EQ(run.oracle().hvps - before, static_cast<std::size_t>(says.hvps)) << method << ", step " << k;
      found.push_back(run.oracle().hvps - before);
      before = run.oracle().hvps;
    }
    const bool sophia = method.find("sophia") != std::string::npos;
    EXPECT_EQ(found, (sophia ? std::vector<std::size_t>{0, 0, 4, 0, 0, 0, 0, 0, 4, 0, 0, 0}
                             : std::vector<std::size_t>{0, 0, 12, 0, 0, 12, 0, 0, 12, 0, 0, 12}))
        << method;
  }
}

TEST(AdagradFull, RefusesManyParametersWithTheReason) {
  MethodRun<double>("name = \"adagrad_full\"", quadratic(Point(1000, 1)), Point(1000));
  try {
    MethodRun<double>("name = \"adagrad_full\"", quadratic(Point(1001, 1)), Point(1001));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_config);
    for (const char* part : {"test.toml:2:", "1001", "1000", "matrix", "shampoo"})
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << part << " is not in: " << e.what();
  }
}

// More than one block of a tensor, sides that divide nothing, a matrix beside one that is too large, and a number alone.
TEST(Shampoo, TakesMatricesThatFitAndLeavesTheRestToAdam) {
  const auto shapes = std::vector<std::vector<std::size_t>>{{67, 65}, {3, 70}, {1}};
  const std::size_t d = 67 * 65 + 210 + 1;
  FiniteSum f = quadratic(Point(d, 1));
  f.shapes = shapes;
  Point start(d);
  for (std::size_t j = 0; j < d; ++j) start[j] = std::sin(static_cast<double>(j * j));
  MethodRun<double> run("name = \"shampoo\"; largest_side = 69; lr = 0.5; adam_lr = 0.01; epsilon = 1e-12", f, start);
  EXPECT_EQ(run.state().array("shampoo.x0").size(), 2 * (67 * 67 + 65 * 65));
  EXPECT_THROW((void)run.state().array("shampoo.x1"), std::logic_error);
  run.step();
  // After one step L^(-1/4) G R^(-1/4) is G's orthogonal factor: 65 singular values of 1.
  double step = 0;
  for (std::size_t j = 0; j < 67 * 65; ++j) step += (run.x()[j] - start[j]) * (run.x()[j] - start[j]);
  EXPECT_NEAR(std::sqrt(step), 0.5 * std::sqrt(65.0), 1e-3);
  for (std::size_t j = 67 * 65; j < d; ++j) EXPECT_NEAR(std::abs(run.x()[j] - start[j]), 0.01, 1e-6) << "adam's first step";
}

TEST(Catalogue, UnknownNamesAreRefusedWithTheNearest) {
  try {
    optim::find_entry("admm");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("\"adam\""), std::string::npos) << e.what();
  }
}

// m^2 / v is at most 1 but for rounding; a memory below 1 weighs what is remembered negatively, and ran away to -inf here.
TEST(Vsgd, RoundingLeavesItsMemoryAtOneOrMore) {
  const FiniteSum drops{.n = 1000,
                        .dimension = 1,
                        .term =
                            [](std::size_t i, const Point&, Point& g) {
                              g[0] += i < 18 ? 0.1 : 1e-5;
                              return 0.0;
                            },
                        .hessian_vector = [](const Point&, const Point& v) { return v; }};
  MethodRun<float> run("name = \"vsgd\"", drops, {1}, 1);
  for (int k = 0; k < 80; ++k) {
    run.step();
    EXPECT_GE(run.oracle().point(run.state().vector("vsgd.memory"))[0], 1) << "step " << k;
  }
}

}  // namespace

FiniteSum least_squares(std::size_t n, std::size_t d) {
  const base::Random random(11, base::Purpose::test);
  std::vector<Point> rows(n, Point(d));
  Point y(n);
  optim::CurvatureBounds bounds{.over_zero = 1};
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = random.normal(i, d);
    double squared = 0;
    for (std::size_t j = 0; j < d; ++j) {
      rows[i][j] = random.normal(i, j);
      y[i] += rows[i][j] * static_cast<double>(j + 1);
      squared += rows[i][j] * rows[i][j];
    }
    bounds.largest = std::max(bounds.largest, squared);
    bounds.mean += squared / static_cast<double>(n);
  }
  return {.n = n,
          .dimension = d,
          .term =
              [rows, y](std::size_t i, const Point& x, Point& g) {
                double r = -y[i];
                for (std::size_t j = 0; j < x.size(); ++j) r += rows[i][j] * x[j];
                for (std::size_t j = 0; j < x.size(); ++j) g[j] += r * rows[i][j];
                return 0.5 * r * r;
              },
          .hessian_vector =
              [rows](const Point&, const Point& v) {
                Point out(v.size());
                for (const Point& row : rows) {
                  double along = 0;
                  for (std::size_t j = 0; j < v.size(); ++j) along += row[j] * v[j];
                  for (std::size_t j = 0; j < v.size(); ++j) out[j] += along * row[j] / static_cast<double>(rows.size());
                }
                return out;
              },
          .bounds = bounds};
}

}  // namespace talweg::test
