// SPDX-License-Identifier: Apache-2.0
// FirstOrder's own parts, clip and reports, and the catalogue's names.
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

TEST(Catalogue, UnknownNamesAreRefusedWithTheNearest) {
  try {
    optim::find_entry("admm");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("\"adam\""), std::string::npos) << e.what();
  }
}

}  // namespace

FiniteSum least_squares(std::size_t n, std::size_t d) {
  const base::Random random(11, base::Purpose::test);
  std::vector<Point> rows(n, Point(d));
  Point y(n);
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = random.normal(i, d);
    for (std::size_t j = 0; j < d; ++j) {
      rows[i][j] = random.normal(i, j);
      y[i] += rows[i][j] * static_cast<double>(j + 1);
    }
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
              }};
}

}  // namespace talweg::test
