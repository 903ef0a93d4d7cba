// SPDX-License-Identifier: Apache-2.0
// Update rules against golden values of independent implementations (scripts/golden/rules.py), and FirstOrder's own parts:
// clip, prox, reports.
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

/// The golden problem: g_t(x) = a x + cos(t + j); term number t is step t's gradient.
FiniteSum golden_problem() {
  return {.n = 1000,
          .dimension = 4,
          .term =
              [](std::size_t t, const Point& x, Point& g) {
                const Point a = {0.5, 1, 2, 4};
                double value = 0;
                for (std::size_t j = 0; j < 4; ++j) {
                  const double c = std::cos(static_cast<double>(t + j));
                  g[j] += a[j] * x[j] + c;
                  value += 0.5 * a[j] * x[j] * x[j] + c * x[j];
                }
                return value;
              },
          .hessian_vector = {}};
}

struct Golden {
  int step = 0;
  Point x;
};

std::map<std::string, std::vector<Golden>> golden_values() {
  std::ifstream file(std::string(TALWEG_SOURCE_DIR) + "/tests/golden/rules.csv");
  std::map<std::string, std::vector<Golden>> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string method, field;
    std::getline(fields, method, '|');
    std::getline(fields, field, '|');
    Golden golden{.step = std::stoi(field), .x = {}};
    while (std::getline(fields, field, '|')) golden.x.push_back(std::stod(field));
    values[method].push_back(golden);
  }
  return values;
}

TEST(Rules, MatchGoldenValues) {
  const auto golden = golden_values();
  ASSERT_GE(golden.size(), 8U) << "tests/golden/rules.csv is missing or short";
  for (const auto& [method, points] : golden) {
    MethodRun<double> fine(method, golden_problem(), {1, -2, 3, -4}, 1);
    MethodRun<float> coarse(method, golden_problem(), {1, -2, 3, -4}, 1);
    for (const Golden& point : points) {
      while (fine.progress().step < point.step) {
        fine.step();
        coarse.step();
      }
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_NEAR(fine.x()[j], point.x[j], 1e-12 * (1 + std::abs(point.x[j])))
            << method << ", step " << point.step << ", element " << j;
        EXPECT_NEAR(coarse.x()[j], point.x[j], 1e-4 * (1 + std::abs(point.x[j])))
            << method << " in float32, step " << point.step;
      }
    }
  }
}

TEST(Rules, EveryRuleHasGoldenValues) {
  const auto golden = golden_values();
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_rule == nullptr) continue;
    const std::string name = "name = \"" + std::string(entry->name) + '"';
    EXPECT_TRUE(std::ranges::any_of(golden, [&](const auto& g) { return g.first.starts_with(name); }))
        << entry->name << " has no golden values";
  }
}

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

/// Soft threshold by step * l1, written out for the test.
class SoftThreshold final : public math::Proximal {
 public:
  explicit SoftThreshold(double l1) : l1_(l1) {}
  void apply(const math::Block&, std::span<float> x, std::span<const float> step) const override { threshold(x, step); }
  void apply(const math::Block&, std::span<double> x, std::span<const double> step) const override { threshold(x, step); }

 private:
  template <class Real>
  void threshold(std::span<Real> x, std::span<const Real> step) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Real t = static_cast<Real>(l1_) * step[i];
      x[i] = x[i] > t ? x[i] - t : x[i] < -t ? x[i] + t : 0;
    }
  }
  double l1_;
};

// min (x - c)^2 / 2 + |x|_1 has the solution soft(c, 1): (2, 0, -3) for c = (3, 0.5, -4).
TEST(FirstOrder, ProxFindsTheLassoSolutionWithEveryRule) {
  const FiniteSum shifted{.n = 1,
                          .dimension = 3,
                          .term =
                              [](std::size_t, const Point& x, Point& g) {
                                const Point c = {3, 0.5, -4};
                                double value = 0;
                                for (std::size_t j = 0; j < 3; ++j) {
                                  value += 0.5 * (x[j] - c[j]) * (x[j] - c[j]);
                                  g[j] += x[j] - c[j];
                                }
                                return value;
                              },
                          .hessian_vector = {}};
  const SoftThreshold prox(1);
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_rule == nullptr && entry->make_estimator == nullptr) continue;
    const std::string method = "name = \"" + std::string(entry->name) + "\"; lr = 0.05";
    MethodRun<double> run(method, shifted, {1, 1, 1}, 0, &prox);
    run.steps(2000);
    EXPECT_NEAR(run.x()[0], 2, 0.02) << entry->name;
    EXPECT_EQ(run.x()[1], 0) << entry->name << ": the prox should give exact zeros";
    EXPECT_NEAR(run.x()[2], -3, 0.02) << entry->name;
  }
}

TEST(Catalogue, EveryEntryIsComplete) {
  for (const optim::Entry* entry : optim::catalogue()) {
    EXPECT_FALSE(entry->title.empty() || entry->rule.empty() || entry->source.empty() || entry->cost.empty()) << entry->name;
    EXPECT_EQ((entry->make_rule != nullptr) + (entry->make_estimator != nullptr) + (entry->make_method != nullptr), 1)
        << entry->name;
    const auto config = base::Config::parse("[method]\nname = \"" + std::string(entry->name) + "\"\n", "test.toml");
    optim::build_method(config.section("method"));
    for (const base::Resolved& key : config.resolved())
      EXPECT_FALSE(key.meaning.empty()) << entry->name << "." << key.key << " says nothing";
  }
}

TEST(Catalogue, UnknownNamesAreRefusedWithTheNearest) {
  try {
    optim::find_entry("admm");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("\"adam\""), std::string::npos) << e.what();
  }
}

// A new line in the catalogue is enrolled here: it falls on a convex quadratic, and a run put together from what was declared
// goes on with the same bits.
TEST(Catalogue, EveryEntryDescendsAndResumesBitForBit) {
  for (const optim::Entry* entry : optim::catalogue()) {
    const std::string method = "name = \"" + std::string(entry->name) + "\"";
    const auto problem = [] { return least_squares(40, 3); };
    const auto probe = [&](int steps) {
      MethodRun<float> run(method, problem(), {2, -1, 4}, entry->make_method != nullptr ? 0 : 8);
      const double start = run.value();
      run.steps(steps);
      EXPECT_LT(run.value(), start) << entry->name;
      return run.save();
    };
    const auto whole = probe(12);
    MethodRun<float> resumed(method, problem(), {0, 0, 0}, entry->make_method != nullptr ? 0 : 8);
    resumed.load(probe(7));
    resumed.steps(5);
    const auto after = resumed.save();
    EXPECT_EQ(after.vectors, whole.vectors) << entry->name << " keeps something it did not declare";
    EXPECT_EQ(after.scalars, whole.scalars) << entry->name;
    EXPECT_EQ(after.counters, whole.counters) << entry->name;
    EXPECT_EQ(after.arrays, whole.arrays) << entry->name;
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
          .hessian_vector = {}};
}

}  // namespace talweg::test
