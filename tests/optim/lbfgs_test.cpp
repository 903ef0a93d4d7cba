// SPDX-License-Identifier: Apache-2.0
// L-BFGS where accuracy is asked for, and its line search where lines are awkward.
#include "optim/line_search.hpp"
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

Point gradient(SerialOracle<double>& oracle, const Point& x) {
  Point g(x.size());
  oracle.mean(x, oracle.all(), g);
  for (std::size_t j = 0; j < x.size(); ++j) g[j] += oracle.l2 * x[j];
  return g;
}

double dot(const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

/// log(1 + exp(-y a.x)), features j scaled by 10^(j/2): the classes overlap, the columns are badly scaled.
FiniteSum logistic(std::size_t n, std::size_t d) {
  const base::Random random(3, base::Purpose::test);
  std::vector<Point> rows(n, Point(d));
  for (std::size_t i = 0; i < n; ++i) {
    double margin = random.normal(i, d);
    for (std::size_t j = 0; j < d; ++j) {
      rows[i][j] = random.normal(i, j);
      margin += rows[i][j];
    }
    for (std::size_t j = 0; j < d; ++j) rows[i][j] *= (margin > 0 ? 1 : -1) * std::pow(10.0, 0.5 * static_cast<double>(j));
  }
  return {.n = n,
          .dimension = d,
          .term =
              [rows](std::size_t i, const Point& x, Point& g) {
                double margin = 0;
                for (std::size_t j = 0; j < x.size(); ++j) margin += rows[i][j] * x[j];
                const double e = std::exp(-std::abs(margin));
                const double probability = margin > 0 ? e / (1 + e) : 1 / (1 + e);  // of the other class
                for (std::size_t j = 0; j < x.size(); ++j) g[j] -= probability * rows[i][j];
                return std::max(-margin, 0.0) + std::log1p(e);
              },
          .hessian_vector = {}};
}

// F is l2-strongly convex, so F(x) - F* <= |grad F(x)|^2 / (2 l2): no reference solution is needed.
TEST(Lbfgs, SolvesLogisticRegressionToTwelveDigits) {
  MethodRun<double> run("name = \"lbfgs\"", logistic(300, 7), Point(7, 0.0));
  run.oracle().l2 = 1e-3;
  int steps = 0;
  optim::StepReport report;
  for (; steps < 400 && report.outcome == optim::Outcome::going_on; ++steps) {
    const double before = run.value();
    report = run.step();
    EXPECT_LE(run.value(), before * (1 + 1e-6)) << "step " << steps;
    const Point g = gradient(run.oracle(), run.x());
    if (dot(g, g) / (2 * run.oracle().l2) <= 1e-12) break;
  }
  const Point g = gradient(run.oracle(), run.x());
  EXPECT_LE(dot(g, g) / (2 * run.oracle().l2), 1e-12) << steps << " steps; " << report.message;
  EXPECT_LT(steps, 200);
}

TEST(Lbfgs, EndsByItselfWhereRoundingAllowsNoMore) {
  MethodRun<double> run("name = \"lbfgs\"", logistic(300, 7), Point(7, 0.0));
  run.oracle().l2 = 1e-3;
  optim::StepReport report;
  int steps = 0;
  while (report.outcome == optim::Outcome::going_on && steps < 5000) {
    report = run.step();
    ++steps;
  }
  const Point g = gradient(run.oracle(), run.x());
  EXPECT_LT(std::sqrt(dot(g, g)), 1e-9) << steps << " steps; " << report.message;
  EXPECT_NE(report.outcome, optim::Outcome::going_on) << "still going on after " << steps << " steps";
  EXPECT_FALSE(report.message.empty());
}

TEST(Lbfgs, EveryStepSatisfiesAWolfeTest) {
  MethodRun<double> run("name = \"lbfgs\"; c1 = 1e-3; c2 = 0.4", logistic(200, 5), Point(5, 0.3));
  run.oracle().l2 = 1e-2;
  const optim::WolfeOptions options{.c1 = 1e-3, .c2 = 0.4};
  for (int k = 0; k < 25; ++k) {
    const Point from = run.x();
    const double value = run.value();
    const auto report = run.step();
    ASSERT_EQ(report.outcome, optim::Outcome::going_on) << report.message;
    Point p = run.x();
    for (std::size_t j = 0; j < p.size(); ++j) p[j] -= from[j];
    // The line x + t p with t in [0, 1]: lengths are scaled, the tests are not changed by that.
    const optim::LinePoint start{.length = 0, .value = value, .slope = dot(gradient(run.oracle(), from), p)};
    const optim::LinePoint end{.length = 1, .value = run.value(), .slope = dot(gradient(run.oracle(), run.x()), p)};
    EXPECT_TRUE(optim::satisfies_wolfe(start, end, options))
        << "step " << k << ": slope " << start.slope << " to " << end.slope;
    EXPECT_NEAR(report.update_norm, std::sqrt(dot(p, p)), 1e-9 * report.update_norm);
  }
}

TEST(Lbfgs, SolvesAQuadraticOfFewEigenvaluesInFewSteps) {
  MethodRun<double> run("name = \"lbfgs\"; c2 = 0.1", quadratic({1, 1, 10, 10, 10, 100, 100}), {1, 2, 3, 4, 5, 6, 7});
  run.steps(25);
  const Point g = gradient(run.oracle(), run.x());
  EXPECT_LT(std::sqrt(dot(g, g)), 1e-8) << "from 900";
}

// The units of F must not matter to its curvature pairs.
TEST(Lbfgs, TheUnitOfFDoesNotMatter) {
  for (const double unit : {1e-14, 1.0, 1e14}) {
    Point a, start;
    for (int j = 0; j < 6; ++j) {
      a.push_back(unit * std::pow(10.0, 0.5 * j));
      start.push_back(1);
    }
    MethodRun<double> run("name = \"lbfgs\"", quadratic(a), start);
    const double before = run.value();
    run.steps(60);
    EXPECT_GT(run.state().counter("lbfgs.pairs"), 3) << "unit " << unit;
    EXPECT_LT(run.value(), 1e-9 * before) << "unit " << unit;
  }
}

TEST(Lbfgs, GoesOnInFloat32) {
  MethodRun<float> run("name = \"lbfgs\"", logistic(300, 4), Point(4, 0.0));
  run.oracle().l2 = 1e-2;
  optim::StepReport report;
  for (int k = 0; k < 100 && report.outcome == optim::Outcome::going_on; ++k) report = run.step();
  EXPECT_LT(report.gradient_norm, 1e-4) << report.message;
}

/// wolfe_search on phi(t), from x = 0 along d = 1.
struct Line {
  explicit Line(std::function<double(double t, double& slope)> phi)
      : oracle({.n = 1,
                .dimension = 1,
                .term = [phi](std::size_t, const Point& x, Point& g) { return phi(x[0], g[0]); },
                .hessian_vector = {}},
               0, 2) {
    oracle.space().at({1})[0] = 1;
    start.value = phi(0, start.slope);
  }
  std::optional<optim::LinePoint> search(double first, const optim::WolfeOptions& options) {
    return optim::wolfe_search(oracle, {0}, {1}, start, first, options).accepted;
  }
  SerialOracle<double> oracle;
  optim::LinePoint start;
};

// phi falls by 0.1 a unit on the whole, with valleys: c1 = 0.3 is met in the first valleys only. A first length past them,
// where phi falls steeply again, is too long all the same.
TEST(Wolfe, ComesBackFromBeyondTheValleysThatMeetIt) {
  Line line([](double t, double& slope) {
    slope += -0.1 - 0.9 * std::cos(2 * t);
    return -0.1 * t - 0.45 * std::sin(2 * t);
  });
  const optim::WolfeOptions options{.c1 = 0.3, .c2 = 0.5};
  for (const double first : {0.01, 3.1, 6.2, 24.8}) {
    const auto found = line.search(first, options);
    ASSERT_TRUE(found) << "first length " << first;
    EXPECT_TRUE(optim::satisfies_wolfe(line.start, *found, options)) << first;
  }
}

// -log(1 - t) - 3 t is not defined from 1 on.
TEST(Wolfe, ComesBackFromWhereFIsNotFinite) {
  Line line([](double t, double& slope) {
    slope += 1 / (1 - t) - 3;
    return -std::log(1 - t) - 3 * t;
  });
  const optim::WolfeOptions options{.c2 = 0.1};
  for (const double first : {0.9999, 1.0, 5.0, 1e6}) {
    const auto found = line.search(first, options);
    ASSERT_TRUE(found) << "first length " << first;
    EXPECT_NEAR(found->length, 2.0 / 3, 0.05) << first;
  }
}

TEST(Wolfe, GivesUpWithinItsRequests) {
  Line line([](double t, double& slope) {
    slope += -1;
    return -t;  // falls for ever: no length is long enough
  });
  EXPECT_FALSE(line.search(1, {.requests = 7}));
  EXPECT_EQ(line.oracle.line_requests, 7U);
}

TEST(Wolfe, ALevelPlaceCountsOnlyWhereItsSlopesSaySo) {
  // Values are all 1e8 after rounding; slopes are those of (t - 1)^2 1e-9.
  Line line([](double t, double& slope) {
    slope += 2e-9 * (t - 1);
    return 1e8;
  });
  const auto found = line.search(1e-3, {.c2 = 0.1});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->length, 1, 0.1) << "within c2 of the zero of the slope";
}

}  // namespace
}  // namespace talweg::test
