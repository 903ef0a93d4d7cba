// SPDX-License-Identifier: Apache-2.0
// What two rules, or one rule on two forms of a problem, must have in common: checks of formulas without a reference
// implementation.
#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kSize = 4;
const Point kStart = {2, -1, 4, 1};

/// Strongly convex, its gradients differing from step to step: batch t is term t.
FiniteSum noisy() { return least_squares(60, kSize); }

/// The points after each step. `factor` is the schedule: t, from 1.
std::vector<Point> path(const std::string& method, FiniteSum f, const Point& start, int steps,
                        const std::function<double(int)>& factor = {}) {
  MethodRun<double> run(method, std::move(f), start, 1);
  std::vector<Point> points;
  for (int t = 1; t <= steps; ++t) {
    if (factor) run.progress().factor = factor(t);
    run.step();
    points.push_back(run.output());
  }
  return points;
}

void expect_same(const std::vector<Point>& a, const std::vector<Point>& b, double tolerance, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t t = 0; t < a.size(); ++t) {
    for (std::size_t j = 0; j < a[t].size(); ++j)
      ASSERT_NEAR(a[t][j], b[t][j], tolerance * std::max(1.0, std::abs(b[t][j])))
          << what << ", step " << t + 1 << ", element " << j;
  }
}

/// f at Q'x: its gradient is Q times f's at Q'x, its start Q times f's. Q turns the coordinates by 0.7 two by two.
Point turned(const Point& x, double sign) {
  const double c = std::cos(0.7);
  const double s = sign * std::sin(0.7);
  Point out = x;
  for (std::size_t j = 0; j + 1 < x.size(); ++j) {  // one after the other: all coordinates mix
    const std::size_t at = sign > 0 ? j : x.size() - 2 - j;
    const double a = out[at];
    const double b = out[at + 1];
    out[at] = c * a - s * b;
    out[at + 1] = s * a + c * b;
  }
  return out;
}
FiniteSum turned(const FiniteSum& f) {
  FiniteSum g = f;
  g.term = [f](std::size_t i, const Point& x, Point& out) {
    Point inner(x.size());
    const double value = f.term(i, turned(x, -1), inner);
    const Point back = turned(inner, 1);
    for (std::size_t j = 0; j < x.size(); ++j) out[j] += back[j];
    return value;
  };
  return g;
}

/// Coordinate j in units of 1 / scale_j: x_j = y_j scale_j.
FiniteSum rescaled(const FiniteSum& f, const Point& scale) {
  FiniteSum g = f;
  g.term = [f, scale](std::size_t i, const Point& y, Point& out) {
    Point x = y;
    for (std::size_t j = 0; j < x.size(); ++j) x[j] *= scale[j];
    Point inner(x.size());
    const double value = f.term(i, x, inner);
    for (std::size_t j = 0; j < x.size(); ++j) out[j] += scale[j] * inner[j];
    return value;
  };
  return g;
}

// Without l1 and l2, z_t = -(sqrt n_t) (x_t - c) / lr at every step: the same x as the mirror descent form's.
TEST(Identities, FtrlAroundTheStartIsAdagrad) {
  expect_same(path("name = \"ftrl\"; lr = 0.3; centre = \"initial\"", noisy(), kStart, 200),
              path("name = \"adagrad\"; dialect = \"tf1\"; lr = 0.3", noisy(), kStart, 200), 1e-11, "ftrl and adagrad");
}

// What is said of schedules that fall: with zero gradients but for the first, x follows the rate.
TEST(Identities, FtrlFollowsAFallingRateToTheCentre) {
  const auto falling = [](int t) { return 1 / static_cast<double>(t); };
  FiniteSum once{.n = 1000,
                 .dimension = 1,
                 .term =
                     [](std::size_t t, const Point&, Point& g) {
                       g[0] += t == 0 ? 1 : 0;
                       return 0.0;
                     },
                 .hessian_vector = {}};
  const auto points = path("name = \"ftrl\"; lr = 0.3; initial_accumulator = 1e-20", once, {2}, 10, falling);
  for (std::size_t t = 0; t < points.size(); ++t) EXPECT_NEAR(points[t][0], points[0][0] / static_cast<double>(t + 1), 1e-9);
}

// v_t / (1 - beta2^t) tends to the mean of the squares: lr / sqrt(t) over its root is lr over the root of their sum.
TEST(Identities, AdamWithoutForgettingIsAdagrad) {
  const auto falling = [](int t) { return 1 / std::sqrt(static_cast<double>(t)); };
  const auto adagrad = path("name = \"adagrad\"; lr = 0.3", noisy(), kStart, 50);
  const auto adam = [&](const std::string& beta2) {
    return path("name = \"adam\"; beta1 = 0.0; lr = 0.3; epsilon = 1e-12; beta2 = " + beta2, noisy(), kStart, 50, falling);
  };
  const auto away = [&](const std::vector<Point>& points) {
    double worst = 0;
    for (std::size_t t = 0; t < points.size(); ++t) {
      for (std::size_t j = 0; j < kSize; ++j) worst = std::max(worst, std::abs(points[t][j] - adagrad[t][j]));
    }
    return worst;
  };
  const double near = away(adam("0.99999"));
  const double nearer = away(adam("0.999999"));
  EXPECT_LT(near, 1e-3);
  EXPECT_NEAR(nearer / near, 0.1, 0.01) << "the difference is of the order of 1 - beta2";
}

// The stored point is the look-ahead point: with constant lr and momentum, y_t = x_t + momentum (x_t - x_{t-1}).
TEST(Identities, NesterovStoredIsTheLookAheadPoint) {
  const auto stored = path("name = \"nesterov\"; lr = 0.02; momentum = 0.8", noisy(), kStart, 100);
  const auto iterates = path("name = \"nesterov\"; lr = 0.02; momentum = 0.8; form = \"look_ahead\"", noisy(), kStart, 100);
  std::vector<Point> ahead;
  for (std::size_t t = 0; t < iterates.size(); ++t) {
    const Point& before = t == 0 ? kStart : iterates[t - 1];
    Point& y = ahead.emplace_back(iterates[t]);
    for (std::size_t j = 0; j < kSize; ++j) y[j] += 0.8 * (iterates[t][j] - before[j]);
  }
  expect_same(stored, ahead, 1e-12, "stored and look_ahead");
}

TEST(Identities, SomeRulesDoNotKnowTheAxes) {
  for (const std::string method :
       {"name = \"sgd\"; lr = 0.02", "name = \"momentum\"; lr = 0.02", "name = \"nesterov\"; lr = 0.02",
        "name = \"adagrad_full\"; lr = 0.3; epsilon = 0.1", "name = \"schedule_free_sgd\"; lr = 0.05"}) {
    auto straight = path(method, noisy(), kStart, 60);
    for (Point& x : straight) x = turned(x, 1);
    expect_same(path(method, turned(noisy()), turned(kStart, 1), 60), straight, 1e-9, method);
  }
}

TEST(Identities, AdamKnowsThem) {
  auto straight = path("name = \"adam\"; lr = 0.1", noisy(), kStart, 10);
  for (Point& x : straight) x = turned(x, 1);
  const auto other = path("name = \"adam\"; lr = 0.1", turned(noisy()), turned(kStart, 1), 10);
  double worst = 0;
  for (std::size_t j = 0; j < kSize; ++j) worst = std::max(worst, std::abs(other[9][j] - straight[9][j]));
  EXPECT_GT(worst, 0.01) << "or the test above tests nothing";
}

// Without epsilon, adam's steps do not know the gradients' units: F times a constant gives the same path.
TEST(Identities, AdamDoesNotKnowTheUnitsOfF) {
  for (const double times : {1e-6, 1e6}) {
    FiniteSum f = noisy();
    f.term = [times, g = noisy()](std::size_t i, const Point& x, Point& out) {
      Point inner(x.size());
      const double value = g.term(i, x, inner);
      for (std::size_t j = 0; j < x.size(); ++j) out[j] += times * inner[j];
      return times * value;
    };
    for (const std::string method :
         {"name = \"adam\"; lr = 0.1; epsilon = 1e-30", "name = \"adamax\"; lr = 0.1; epsilon = 1e-30"})
      expect_same(path(method, f, kStart, 60), path(method, noisy(), kStart, 60), 1e-9, method);
  }
}

// vSGD's rates are m^2 / (v h): of a length per gradient in each coordinate's own units. Diagonal curvature, so that signs are
// exact.
TEST(Identities, VsgdDoesNotKnowTheUnitsOfX) {
  const Point scale = {1e-3, 10, 1, 200};
  const auto apart = [](const Point& units) {
    FiniteSum f{.n = 1000,
                .dimension = kSize,
                .term =
                    [](std::size_t t, const Point& x, Point& g) {
                      for (std::size_t j = 0; j < kSize; ++j)
                        g[j] += (0.3 + static_cast<double>(j)) * x[j] + std::cos(static_cast<double>(7 * t + j));
                      return 0.0;
                    },
                .hessian_vector = {}};
    f = rescaled(f, units);
    f.hessian_vector = [units](const Point&, const Point& v) {
      Point out = v;
      for (std::size_t j = 0; j < kSize; ++j) out[j] *= (0.3 + static_cast<double>(j)) * units[j] * units[j];
      return out;
    };
    return f;
  };
  Point start = kStart;
  for (std::size_t j = 0; j < kSize; ++j) start[j] /= scale[j];
  auto scaled = path("name = \"vsgd\"; epsilon = 1e-30", apart(scale), start, 60);
  for (Point& y : scaled) {
    for (std::size_t j = 0; j < kSize; ++j) y[j] *= scale[j];
  }
  expect_same(scaled, path("name = \"vsgd\"; epsilon = 1e-30", apart({1, 1, 1, 1}), kStart, 60), 1e-9, "vsgd");
}

// One parameter: the matrix is its diagonal.
TEST(Identities, AdagradFullOfOneParameterIsAdagrad) {
  expect_same(path("name = \"adagrad_full\"; lr = 0.3; epsilon = 0.01", least_squares(60, 1), {3}, 60),
              path("name = \"adagrad\"; dialect = \"paper\"; lr = 0.3; epsilon = 0.01", least_squares(60, 1), {3}, 60), 1e-13,
              "one parameter");
}

// With constant lr and no weight on past rates schedule-free sgd without momentum is sgd, its output Polyak's average.
TEST(Identities, ScheduleFreeWithoutMomentumIsAveragedSgd) {
  const auto averages = path("name = \"schedule_free_sgd\"; lr = 0.02; momentum = 0.0", noisy(), kStart, 60);
  expect_same(averages, path("name = \"sgd\"; lr = 0.02; average = \"polyak\"", noisy(), kStart, 60), 1e-12, "averages");
}

// A step of rate 0 changes nothing where x is made anew from sums that the rate multiplies or divides.
TEST(Identities, ARateOfZeroLeavesXWhereItIs) {
  for (const std::string method :
       {"name = \"ftrl\"; lr = 0.3", "name = \"ftrl\"; lr = 0.3; centre = \"initial\"",
        "name = \"adagrad_da\"; lr = 0.3; centre = \"initial\"", "name = \"adagrad_da\"; lr = 0.3"}) {
    MethodRun<double> run(method, noisy(), kStart, 1);
    run.steps(5);
    const auto before = run.save();
    run.progress().factor = 0;
    run.step();
    EXPECT_EQ(run.save().vectors, before.vectors) << method;
  }
}

TEST(Identities, ARateOfZeroIsNoConvergenceAndBreaksNoState) {
  const SoftThreshold l1(0.01);
  for (const std::string method :
       {"name = \"momentum\"; lr = 0.3", "name = \"momentum\"; lr = 0.3; dialect = \"paper\"",
        "name = \"proximal_gradient\"; lr = 0.3", "name = \"fista\"; lr = 0.3", "name = \"rspg\"; lr = 0.3; iterations = 100",
        "name = \"rsag\"; lr = 0.3; iterations = 100"}) {
    const bool full = method.find("rs") == std::string::npos && method.find("momentum") == std::string::npos;
    MethodRun<double> run(method, noisy(), kStart, full ? 0 : 1, &l1);
    run.steps(2);
    const auto before = run.x();
    run.progress().factor = 0;
    const auto report = run.step();
    EXPECT_EQ(report.outcome, optim::Outcome::going_on) << method << ": " << report.message;
    for (const auto& vector : run.save().vectors)
      for (const double value : vector) EXPECT_TRUE(std::isfinite(value)) << method;
    // fista, rsag, and momentum with lr in the buffer go on by the speed they have.
    const bool coasts = method.find("fista") != std::string::npos || method.find("rsag") != std::string::npos ||
                        method.find("paper") != std::string::npos;
    if (!coasts) {
      EXPECT_EQ(run.x(), before) << method;
    }
  }
}

}  // namespace
}  // namespace talweg::test
