// SPDX-License-Identifier: Apache-2.0
// The claims of smallest_eigenpair beyond the easy spectrum: the residual, the unit vector, float32, and vectors of many
// blocks.
#include "optim/lanczos.hpp"

#include <set>

#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

constexpr optim::Vector kX{0};
constexpr optim::Vector kEigenvector{1};

/// A = Q diag(values) Q', Q a product of random reflections: eigenvectors that are no coordinate axes.
FiniteSum rotated(Point values) {
  const std::size_t d = values.size();
  std::vector<Point> mirrors(3, Point(d));
  for (std::size_t k = 0; k < mirrors.size(); ++k) {
    const base::Random random(5, base::Purpose::test);
    double sum = 0;
    for (std::size_t j = 0; j < d; ++j) {
      mirrors[k][j] = random.normal(k, j);
      sum += mirrors[k][j] * mirrors[k][j];
    }
    for (double& v : mirrors[k]) v /= std::sqrt(sum);
  }
  const auto reflect = [](const Point& mirror, Point& v) {
    double dot = 0;
    for (std::size_t j = 0; j < v.size(); ++j) dot += mirror[j] * v[j];
    for (std::size_t j = 0; j < v.size(); ++j) v[j] -= 2 * dot * mirror[j];
  };
  const auto product = [mirrors, values, reflect](const Point&, const Point& v) {
    Point out = v;
    for (const Point& m : mirrors) reflect(m, out);
    for (std::size_t j = 0; j < out.size(); ++j) out[j] *= values[j];
    for (auto m = mirrors.rbegin(); m != mirrors.rend(); ++m) reflect(*m, out);
    return out;
  };
  return {.n = 1,
          .dimension = d,
          .term =
              [product](std::size_t, const Point& x, Point& g) {
                const Point ax = product(x, x);
                double value = 0;
                for (std::size_t j = 0; j < x.size(); ++j) {
                  g[j] += ax[j];
                  value += 0.5 * ax[j] * x[j];
                }
                return value;
              },
          .hessian_vector = product};
}

template <class Real>
double norm(SerialOracle<Real>& oracle, optim::Vector v) {
  return oracle.space().norm(v);
}

TEST(Lanczos, AnEigenvalueLiesWithinTheResidualWheneverItStops) {
  Point values(300);
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = -2 + std::sqrt(static_cast<double>(j));
  for (const int iterations : {1, 2, 3, 5, 8, 13, 21, 34, 300}) {
    SerialOracle<double> oracle(rotated(values), 0, 2);
    const auto pair = optim::smallest_eigenpair(oracle, kX, oracle.all(),
                                                {.iterations = iterations, .tolerance = 1e-10, .seed = 4}, kEigenvector);
    double nearest = 1e300;
    for (const double v : values) nearest = std::min(nearest, std::abs(v - pair.value));
    EXPECT_LE(nearest, pair.residual + 1e-12) << iterations;
    EXPECT_GE(pair.value, -2 - 1e-12) << iterations;
    EXPECT_LE(pair.iterations, iterations + 1) << "products used, the residual's included";
    EXPECT_NEAR(norm(oracle, kEigenvector), 1, 1e-12) << iterations;
  }
}

TEST(Lanczos, StopsAtItsToleranceAndNotMuchLater) {
  Point values(400);
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = static_cast<double>(j % 20);
  values[7] = -30;
  int used = 0;
  for (const double tolerance : {1e-2, 1e-6, 1e-10}) {
    SerialOracle<double> oracle(rotated(values), 0, 2);
    const auto pair = optim::smallest_eigenpair(oracle, kX, oracle.all(),
                                                {.iterations = 200, .tolerance = tolerance, .seed = 1}, kEigenvector);
    EXPECT_LE(pair.residual, 1.01 * tolerance * 30 + 1e-12) << tolerance;
    EXPECT_NEAR(pair.value, -30, tolerance * 30 + 1e-10) << tolerance;
    EXPECT_LE(pair.iterations, 40) << tolerance;
    EXPECT_GE(pair.iterations, used) << tolerance;
    used = pair.iterations;
  }
}

// A net's Hessian: a few large eigenvalues, very many near 0, one at -0.05. Whatever lies near 0 has a small residual soon.
TEST(Lanczos, ASmallResidualDoesNotEndTheSearchUnlessItIsLowEnough) {
  Point values(2000, 0.0);
  for (std::size_t j = 1; j <= 10; ++j) values[j] = 10 * static_cast<double>(j);
  values[0] = -0.05;
  const auto smallest = [&](double stop_below) {
    SerialOracle<double> oracle(rotated(values), 0, 2);
    return optim::smallest_eigenpair(oracle, kX, oracle.all(),
                                     {.iterations = 50, .tolerance = 1e-3, .stop_below = stop_below, .seed = 1}, kEigenvector);
  };
  EXPECT_GT(smallest(1e300).value, -0.01) << "the early stop that this test is about";
  EXPECT_NEAR(smallest(-0.01).value, -0.05, 1e-3);
}

TEST(Lanczos, TheChanceOfMissingFallsWithProductsAndGrowsWithDimension) {
  // 1.648 sqrt(n) exp(-sqrt(e) (2 k - 1)) written out: n = 10^4, e = (0.01 + 0.03) / (3.97 + 0.03) = 0.01, k = 100.
  EXPECT_NEAR(optim::chance_of_missing(-0.03, 0.01, 3.97, 100, 10000), 164.8 * std::exp(-0.1 * 199), 1e-12);
  EXPECT_EQ(optim::chance_of_missing(-0.03, -0.04, 3, 100, 10), 1) << "it was found";
  EXPECT_EQ(optim::chance_of_missing(-0.03, 0.01, 3.97, 5, 10000), 1) << "a bound of a probability is at most 1";
}

// What the bound promises, counted over random starts: how often the smallest Ritz value is still above 0.9 although there is
// an eigenvalue 0.8 below a bulk in [1, 2].
TEST(Lanczos, MissesNoMoreOftenThanTheBoundSays) {
  Point values(400, 0.8);
  for (std::size_t j = 1; j < values.size(); ++j) values[j] = 1 + static_cast<double>(j) / 400;
  const FiniteSum problem = rotated(values);
  constexpr int kStarts = 60;
  for (const int products : {5, 7, 9, 12}) {
    int missed = 0;
    for (std::uint64_t seed = 1; seed <= kStarts; ++seed) {
      SerialOracle<double> oracle(problem, 0, 2);
      const auto pair = optim::smallest_eigenpair(oracle, kX, oracle.all(),
                                                  {.iterations = products, .tolerance = 0, .seed = seed}, kEigenvector);
      missed += pair.value > 0.9 ? 1 : 0;
    }
    EXPECT_LE(missed, kStarts * optim::chance_of_missing(0.8, 0.9, 2, products, values.size())) << products;
    EXPECT_TRUE(products > 5 || missed > kStarts / 2) << "there is something to miss: " << missed;
  }
}

TEST(Lanczos, FindsANearlyDoubleSmallestEigenvalueWithoutGhosts) {
  Point values(100, 1.0);
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = 1 + static_cast<double>(j);
  values[0] = -1;
  values[1] = -1 + 1e-4;
  SerialOracle<double> oracle(rotated(values), 0, 2);
  const auto pair =
      optim::smallest_eigenpair(oracle, kX, oracle.all(), {.iterations = 100, .tolerance = 1e-12, .seed = 2}, kEigenvector);
  EXPECT_NEAR(pair.value, -1, 1e-8);
  EXPECT_NEAR(pair.largest, 100, 1e-8) << "all of a 100-dimensional space is spanned by 100 products";
}

TEST(Lanczos, AHessianOfZeroOrOneEigenvalueIsExhaustedAtOnce) {
  for (const double value : {0.0, 3.0, -2.0}) {
    SerialOracle<double> oracle(quadratic(Point(50, value)), 0, 2);
    const auto pair =
        optim::smallest_eigenpair(oracle, kX, oracle.all(), {.iterations = 30, .tolerance = 1e-9, .seed = 1}, kEigenvector);
    EXPECT_TRUE(pair.exhausted) << value;
    EXPECT_NEAR(pair.value, value, 1e-14);
    EXPECT_LE(pair.iterations, 3);
    EXPECT_LE(pair.residual, 1e-14);
  }
}

TEST(Lanczos, HoldsInFloat32) {
  Point values(200);
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = 1 + 0.1 * static_cast<double>(j);
  values[150] = -0.25;
  SerialOracle<float> oracle(rotated(values), 0, 2);
  const auto pair =
      optim::smallest_eigenpair(oracle, kX, oracle.all(), {.iterations = 100, .tolerance = 1e-5, .seed = 1}, kEigenvector);
  EXPECT_NEAR(pair.value, -0.25, 1e-4);
  EXPECT_LT(pair.residual, 1e-3);
  EXPECT_NEAR(norm(oracle, kEigenvector), 1, 1e-5);
}

TEST(Lanczos, TheSmoothPartOfOmegaCounts) {
  SerialOracle<double> oracle(quadratic({3, -1, 2}), 0, 2);
  oracle.l2 = 0.5;
  const auto pair =
      optim::smallest_eigenpair(oracle, kX, oracle.all(), {.iterations = 10, .tolerance = 0, .seed = 1}, kEigenvector);
  EXPECT_NEAR(pair.value, -0.5, 1e-12);
}

// Random vectors are keyed by an element's place in the whole vector: blocks may not repeat each other.
TEST(RandomVectors, DifferFromBlockToBlock) {
  const std::size_t d = 2 * math::ParameterLayout::kBlock + 100;
  SerialOracle<double> oracle(quadratic(Point(d, 1.0)), 0, 2);
  optim::smallest_eigenpair(oracle, kX, oracle.all(), {.iterations = 1, .tolerance = 0, .seed = 1}, kEigenvector);
  const Point start = oracle.point(kEigenvector);  // H is the identity: the starting vector is what comes back
  EXPECT_EQ(std::set<double>(start.begin(), start.end()).size(), d);
  MethodRun<double> run("name = \"pgd\"; lr = 1e-12; radius = 0.5", quadratic(Point(d, 0.0)), Point(d, 0.0));
  run.step();
  const Point noise = run.x();
  EXPECT_EQ(std::set<double>(noise.begin(), noise.end()).size(), d);
  MethodRun<double> other("name = \"pgd\"; lr = 1e-12; radius = 0.5", quadratic(Point(d, 0.0)), Point(d, 0.0));
  other.progress().seed = 2;
  other.step();
  EXPECT_NE(other.x(), noise) << "another seed, another noise";
}

}  // namespace
}  // namespace talweg::test
