// SPDX-License-Identifier: Apache-2.0
// Where searches for a length begin and how they end: far too long a first length, too few requests, rounding.
#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

const char* const kSearching[] = {
    "name = \"gd\"; search = \"armijo\"",
    "name = \"agd\"; search = \"backtracking\"; restart = \"gradient\"",
    "name = \"fista\"; search = \"backtracking\"; restart = \"gradient\"",
    "name = \"proximal_gradient\"; search = \"backtracking\"",
    "name = \"barzilai_borwein\"",
};

double norm(const Point& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

template <class Real>
optim::StepReport to_the_end(MethodRun<Real>& run, int most, int& steps) {
  optim::StepReport report;
  for (steps = 0; steps < most && report.outcome == optim::Outcome::going_on; ++steps) report = run.step();
  return report;
}

TEST(Searches, ShortenAFirstLengthThatIsFarTooLong) {
  for (const char* lr : {"1e3", "1e10", "1e16"}) {
    for (const char* method : kSearching) {
      MethodRun<double> run(fmt::format("{}; lr = {}", method, lr), quadratic({1, 3, 10}), {3, -2, 1});
      EXPECT_EQ(run.step().outcome, optim::Outcome::going_on) << method << ", lr " << lr;
      int steps = 0;
      const auto report = to_the_end(run, 300, steps);
      EXPECT_LT(norm(run.x()), 1e-4) << method << ", lr " << lr << ": " << report.message;
    }
  }
}

TEST(Searches, OfAnL1ShortenItToo) {
  const SoftThreshold prox(0.1);
  for (const char* method : {kSearching[2], kSearching[3], kSearching[4], "name = \"owlqn\""}) {
    const std::string lr = method == std::string("name = \"owlqn\"") ? "" : "; lr = 1e10";
    MethodRun<double> run(method + lr, least_squares(40, 3), {1, 2, -3}, 0, &prox);
    EXPECT_EQ(run.step().outcome, optim::Outcome::going_on) << method;
  }
}

// Twenty halvings of 1e10 are still far too long. That is no rounding, and no convergence.
TEST(Searches, ThatRunOutFailAndSayWhatAllowsMore) {
  for (const char* method : kSearching) {
    MethodRun<double> run(fmt::format("{}; lr = 1e10; line_requests = 20", method), quadratic({1, 3, 10}), {3, -2, 1});
    const auto report = run.step();
    EXPECT_EQ(report.outcome, optim::Outcome::failed) << method;
    EXPECT_NE(report.message.find("line search ran out"), std::string::npos) << report.message;
    EXPECT_NE(report.message.find("method.line_requests"), std::string::npos) << report.message;
    EXPECT_EQ(run.x(), (Point{3, -2, 1})) << method;
  }
}

/// least + steep |x|, whose slope at 0 is said to be -steep and is steep wherever one goes: no length is good.
FiniteSum kink(double least, double steep) {
  return {.n = 1,
          .dimension = 1,
          .term =
              [=](std::size_t, const Point& x, Point& g) {
                g[0] += x[0] > 0 ? steep : -steep;
                return least + steep * std::abs(x[0]);
              },
          .hessian_vector = {}};
}

TEST(Searches, AreStuckWhereRoundingIsWhy) {
  for (const char* method : {kSearching[1], kSearching[2], kSearching[3]}) {
    MethodRun<double> run(fmt::format("{}; lr = 1.0", method), kink(1000, 1e-6), {0});
    const auto report = run.step();
    EXPECT_EQ(report.outcome, optim::Outcome::stuck) << method << ": " << report.message;
    EXPECT_NE(report.message.find("rounding"), std::string::npos) << report.message;
  }
}

TEST(Searches, FailWhereFIsNotAsItsGradientSays) {
  for (const char* method : {kSearching[1], kSearching[2], kSearching[3]}) {
    MethodRun<double> run(fmt::format("{}; lr = 1.0", method), kink(1e-3, 1), {0});
    const auto report = run.step();
    EXPECT_EQ(report.outcome, optim::Outcome::failed) << method << ": " << report.message;
    EXPECT_NE(report.message.find("kink"), std::string::npos) << report.message;
  }
}

void expect_ends_by_itself(const std::string& method, const math::Proximal* prox) {
  for (const std::uint64_t dimension : {4U, 12U}) {
    MethodRun<double> run(method, least_squares(60, dimension), Point(dimension, 1.0), 0, prox);
    MethodRun<float> coarse(method, least_squares(60, dimension), Point(dimension, 1.0), 0, prox);
    int steps = 0;
    auto report = to_the_end(run, 1000, steps);
    EXPECT_NE(report.outcome, optim::Outcome::going_on) << method << ", float64";
    EXPECT_NE(report.outcome, optim::Outcome::failed) << method << ", float64: " << report.message;
    EXPECT_LT(report.gradient_norm, 1e-9) << method << ", float64, " << steps << " steps";
    report = to_the_end(coarse, 1000, steps);
    EXPECT_NE(report.outcome, optim::Outcome::going_on) << method << ", float32";
    EXPECT_NE(report.outcome, optim::Outcome::failed) << method << ", float32: " << report.message;
    EXPECT_LT(report.gradient_norm, 1e-2) << method << ", float32, " << steps << " steps";
  }
}

TEST(NonlinearCg, EndsByItselfWhereRoundingAllowsNoMore) { expect_ends_by_itself("name = \"nonlinear_cg\"", nullptr); }

TEST(Owlqn, EndsByItselfWhereRoundingAllowsNoMore) {
  const SoftThreshold prox(0.1);
  expect_ends_by_itself("name = \"owlqn\"", &prox);
  expect_ends_by_itself("name = \"owlqn\"", nullptr);
}

}  // namespace
}  // namespace talweg::test
