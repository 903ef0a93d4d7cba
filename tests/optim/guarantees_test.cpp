// SPDX-License-Identifier: Apache-2.0
// Theorems executed: what is proven of a method, measured on problems whose minimum and constants are known in closed form.
#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

/// Nesterov's chain: (L/4) ((x_1^2 + sum (x_i - x_{i+1})^2 + x_d^2) / 2 - x_1); L bounds the curvature.
struct Chain {
  std::size_t d;
  double L;
  [[nodiscard]] FiniteSum sum() const {
    return {.n = 1,
            .dimension = d,
            .term =
                [c = *this](std::size_t, const Point& x, Point& g) {
                  double value = -x[0];
                  g[0] += -c.L / 4;
                  for (std::size_t i = 0; i <= c.d; ++i) {
                    const double left = i == 0 ? 0 : x[i - 1];
                    const double right = i == c.d ? 0 : x[i];
                    value += 0.5 * (left - right) * (left - right);
                    if (i > 0) g[i - 1] += c.L / 4 * (left - right);
                    if (i < c.d) g[i] -= c.L / 4 * (left - right);
                  }
                  return c.L / 4 * value;
                },
            .hessian_vector =
                [c = *this](const Point&, const Point& v) {
                  Point out(c.d);
                  for (std::size_t i = 0; i < c.d; ++i)
                    out[i] = c.L / 4 * (2 * v[i] - (i > 0 ? v[i - 1] : 0) - (i + 1 < c.d ? v[i + 1] : 0));
                  return out;
                }};
  }
  [[nodiscard]] double least() const { return -L / 8 * static_cast<double>(d) / static_cast<double>(d + 1); }
  [[nodiscard]] double distance2() const { return static_cast<double>(d * (2 * d + 1)) / static_cast<double>(6 * (d + 1)); }
};

constexpr Chain kChain{.d = 61, .L = 3};

std::string fixed(double lr) { return fmt::format("; lr = {:.17e}", lr); }

/// Runs `steps` steps on the chain; after each, lower(k) <= F - F* <= upper(k).
template <class Lower, class Upper>
void expect_within(const std::string& method, int steps, Lower lower, Upper upper) {
  MethodRun<double> run(method, kChain.sum(), Point(kChain.d, 0.0));
  for (int k = 1; k <= steps; ++k) {
    run.step();
    const double gap = run.value() - kChain.least();
    EXPECT_LE(gap, upper(k)) << method << ", step " << k;
    EXPECT_GE(gap, lower(k)) << method << ", step " << k;
  }
}

/// The least F where only the first k coordinates have moved, which is all that k gradients let a span method do: above F* by
/// this. With d = 2 k + 1 it is theorem 2.1.7 of Nesterov's lectures, 3 L |x_0 - x*|^2 / (32 (k + 1)^2) or more.
double worst_for_all(int k) { return kChain.L / 8 * (1 / (k + 1.0) - 1 / (static_cast<double>(kChain.d) + 1)); }
double accelerated(int k) { return 2 * kChain.L * kChain.distance2() / ((k + 1.0) * (k + 1.0)); }

TEST(Guarantees, TheLowerBoundIsTheTheorems) {
  EXPECT_GE(worst_for_all(30), 3 * kChain.L * kChain.distance2() / (32 * 31.0 * 31.0));
}

TEST(Guarantees, GradientDescentOnNesterovsChain) {
  expect_within("name = \"gd\"" + fixed(1 / kChain.L), 30, worst_for_all,
                [](int k) { return kChain.L * kChain.distance2() / (4.0 * k + 2); });
}

TEST(Guarantees, GradientDescentsSmallestGradient) {
  MethodRun<double> run("name = \"gd\"" + fixed(1 / kChain.L), kChain.sum(), Point(kChain.d, 0.0));
  const double fall = run.value() - kChain.least();
  double least = std::numeric_limits<double>::infinity();
  for (int n = 1; n <= 100; ++n) {
    least = std::min(least, std::pow(run.step().gradient_norm, 2));
    EXPECT_LE(least, 2 * kChain.L * fall / n);
  }
}

TEST(Guarantees, AcceleratedMethodsOnNesterovsChain) {
  for (const char* name : {"agd", "fista", "apg"})
    expect_within(fmt::format("name = \"{}\"", name) + fixed(1 / kChain.L), 30, worst_for_all, accelerated);
}

TEST(Guarantees, AccelerationIsNeededThere) {
  MethodRun<double> plain("name = \"gd\"" + fixed(1 / kChain.L), kChain.sum(), Point(kChain.d, 0.0));
  plain.steps(200);
  EXPECT_GT(plain.value() - kChain.least(), accelerated(200)) << "a bound that gradient descent meets too says little";
}

// The same with L found by the run itself: no more than the true one, so that the steps are no longer.
TEST(Guarantees, HoldWithTheLThatIsFound) {
  MethodRun<double> run("name = \"agd\"", kChain.sum(), Point(kChain.d, 0.0));
  const optim::StepReport report = run.step();
  const double largest = kChain.L / 4 * (2 + 2 * std::cos(M_PI / static_cast<double>(kChain.d + 1)));
  EXPECT_NEAR(1 / report.learning_rate, largest, 2e-4 * largest);
  EXPECT_GE(1 / report.learning_rate, largest * (1 - 1e-9));
  EXPECT_NE(report.message.find("an estimate"), std::string::npos) << report.message;
  for (int k = 2; k <= 60; ++k) {
    EXPECT_TRUE(run.step().message.empty()) << "told once";
    EXPECT_LE(run.value() - kChain.least(), 2 / report.learning_rate * kChain.distance2() / ((k + 1.0) * (k + 1.0)));
  }
}

TEST(Guarantees, StronglyConvexQuadratics) {
  const Point a = {0.02, 0.1, 0.5, 1, 2};
  const Point start(a.size(), 1.0);
  const double mu = a.front(), L = a.back(), R2 = static_cast<double>(a.size());
  MethodRun<double> gd("name = \"gd\"" + fixed(1 / L), quadratic(a), start);
  MethodRun<double> agd("name = \"agd\"; form = \"strongly_convex\"; strong_convexity = 0.02" + fixed(1 / L), quadratic(a),
                        start);
  const double first = gd.value();
  for (int k = 1; k <= 150; ++k) {
    gd.step();
    agd.step();
    EXPECT_LE(gd.value(), std::pow(1 - mu / L, k) * first) << k;
    EXPECT_LE(agd.value(), std::pow(1 - std::sqrt(mu / L), k) * (first + mu * R2 / 2)) << k;
  }
}

/// mean of (a_i'x - b_i)^2 / 2 with a'a = n I, in the form |x - c|^2_h / 2 with different curvatures: lasso's minimum is
/// soft(c_j, l1 / h_j).
struct DiagonalLasso {
  Point h = {0.05, 0.2, 1, 2, 0.5, 0.01};
  Point c = {3, -2, 0.4, -0.3, 1, 10};
  double l1 = 0.3;
  [[nodiscard]] FiniteSum sum() const {
    return {.n = 1,
            .dimension = h.size(),
            .term =
                [p = *this](std::size_t, const Point& x, Point& g) {
                  double value = 0;
                  for (std::size_t j = 0; j < x.size(); ++j) {
                    value += 0.5 * p.h[j] * (x[j] - p.c[j]) * (x[j] - p.c[j]);
                    g[j] += p.h[j] * (x[j] - p.c[j]);
                  }
                  return value;
                },
            .hessian_vector = {}};
  }
  [[nodiscard]] Point solution() const {
    Point x;
    for (std::size_t j = 0; j < h.size(); ++j)
      x.push_back(c[j] > l1 / h[j] ? c[j] - l1 / h[j] : c[j] < -l1 / h[j] ? c[j] + l1 / h[j] : 0);
    return x;
  }
  [[nodiscard]] double objective(const Point& x) const {
    double value = 0;
    for (std::size_t j = 0; j < h.size(); ++j) value += 0.5 * h[j] * (x[j] - c[j]) * (x[j] - c[j]) + l1 * std::abs(x[j]);
    return value;
  }
};

TEST(Guarantees, ProximalMethodsOnLasso) {
  const DiagonalLasso lasso;
  const SoftThreshold prox(lasso.l1);
  const Point start(6, 1.0);
  const Point solution = lasso.solution();
  double R2 = 0;
  for (std::size_t j = 0; j < 6; ++j) R2 += std::pow(start[j] - solution[j], 2);
  constexpr double L = 2;
  const auto slow = [&](double a) { return [R2, a](int k) { return a * L * R2 / (2.0 * k); }; };
  const auto fast = [&](double a) { return [R2, a](int k) { return 2 * a * L * R2 / ((k + 1.0) * (k + 1.0)); }; };
  const auto expect = [&](const std::string& method, auto bound) {
    MethodRun<double> run(method, lasso.sum(), start, 0, &prox);
    for (int k = 1; k <= 300; ++k) {
      if (run.step().outcome != optim::Outcome::going_on) break;
      EXPECT_LE(lasso.objective(run.x()) - lasso.objective(solution), bound(k) + 1e-13) << method << ", step " << k;
    }
  };
  expect("name = \"proximal_gradient\"" + fixed(1 / L), slow(1));
  expect("name = \"fista\"" + fixed(1 / L), fast(1));
  expect("name = \"apg\"" + fixed(1 / L), fast(1));
  expect("name = \"proximal_gradient\"; search = \"backtracking\"; shrink = 0.7; lr = 100.0", slow(1 / 0.7));
  expect("name = \"fista\"; search = \"backtracking\"; shrink = 0.7; lr = 100.0", fast(1 / 0.7));
}

TEST(Guarantees, RestartsReachAMinimumThatMomentumOvershoots) {
  const Point a = {0.001, 0.01, 0.1, 1};
  const auto gap = [&](const std::string& more) {
    MethodRun<double> run("name = \"agd\"; lr = 1.0" + more, quadratic(a), Point(4, 1.0));
    run.steps(600);
    return run.value();
  };
  const double plain = gap("");
  EXPECT_LT(gap("; restart = \"gradient\""), 1e-4 * plain);
  EXPECT_LT(gap("; restart = \"function\""), 1e-4 * plain);
}

// On a quadratic, with searches that find the minimum along the line, these are the linear conjugate gradients; so are quasi-
// Newton directions from any pairs (Nazareth 1979).
TEST(Guarantees, SearchesThatFindTheMinimumMakeConjugateGradientsOfThemOnAQuadratic) {
  for (const char* method : {"name = \"nonlinear_cg\"", "name = \"lbfgs\"; memory = 1", "name = \"lbfgs\"; memory = 10"}) {
    const Point a = {1, 2, 5, 20, 100};
    MethodRun<double> run(std::string(method) + "; c2 = 1e-11; c1 = 1e-4", quadratic(a), {1, -1, 2, 0.5, 1});
    Point x = {1, -1, 2, 0.5, 1}, r(5), p(5);
    for (std::size_t j = 0; j < 5; ++j) p[j] = r[j] = -a[j] * x[j];
    for (int k = 0; k < 5; ++k) {
      double rr = 0, pAp = 0, next = 0;
      for (std::size_t j = 0; j < 5; ++j) rr += r[j] * r[j], pAp += a[j] * p[j] * p[j];
      for (std::size_t j = 0; j < 5; ++j) x[j] += rr / pAp * p[j], r[j] -= rr / pAp * a[j] * p[j];
      for (std::size_t j = 0; j < 5; ++j) next += r[j] * r[j];
      for (std::size_t j = 0; j < 5; ++j) p[j] = r[j] + next / rr * p[j];
      run.step();
      for (std::size_t j = 0; j < 5; ++j) EXPECT_NEAR(run.x()[j], x[j], 1e-8) << method << ", step " << k << ", element " << j;
    }
    EXPECT_LT(run.value(), 1e-14) << method << ": five steps for five eigenvalues";
  }
}

}  // namespace
}  // namespace talweg::test
