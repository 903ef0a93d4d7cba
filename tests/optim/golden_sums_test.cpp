// SPDX-License-Identifier: Apache-2.0
// Every estimator, and every method for finite sums, against tables of independent implementations:
// tests/golden/finite_sums/*.csv, written by scripts/golden/make.py, whose sums.py says what the sum is.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"
#include "tests/support/source.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kSize = 12;
const Point kStart = {1.0, -2.0, 0.5, 3.0, -0.25, 1.5, -1.0, 0.0, 2.0, -0.75, 4.0, -3.0};

/// `hinge`: its smooth form instead of log(1 + exp(-m)).
FiniteSum sum_of_cosines(bool hinge) {
  return {.n = 20,
          .dimension = kSize,
          .term =
              [hinge](std::size_t example, const Point& x, Point& g) {
                const auto i = static_cast<double>(example);
                Point a(kSize);
                double z = 0;
                for (std::size_t k = 0; k < kSize; ++k) {
                  const auto j = static_cast<double>(k);
                  a[k] = std::cos(0.7 + 1.1 * i + 1.7 * j + 0.3 * i * j);
                  z += a[k] * x[k];
                }
                const double y = std::sin(3 * i + 0.5) > 0 ? 1 : -1;
                if (hinge) {
                  const double m = y * z;
                  const double slope = m >= 1 ? 0 : std::max(m - 1, -1.0);
                  for (std::size_t k = 0; k < kSize; ++k) g[k] += slope * y * a[k];
                  return slope > -1 ? 0.5 * slope * slope : 0.5 - m;
                }
                for (std::size_t k = 0; k < kSize; ++k) g[k] -= y * a[k] / (1 + std::exp(y * z));
                return std::log1p(std::exp(-y * z));
              },
          .hessian_vector = {},
          .shapes = {{4, 2}, {4}}};
}

struct Row {
  std::string method;
  double l1 = 0;
  std::size_t batch = 0;
  int step = 0;
  Point x;
};

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const auto& file : std::filesystem::directory_iterator(source() / "tests/golden/finite_sums")) {
    std::ifstream stream(file.path());
    std::string line;
    std::getline(stream, line);
    while (std::getline(stream, line)) {
      std::istringstream fields(line);
      Row row;
      std::string field;
      std::getline(fields, row.method, '|');
      std::getline(fields, field, '|');
      row.l1 = std::stod(field);
      std::getline(fields, field, '|');
      row.batch = std::stoul(field);
      std::getline(fields, field, '|');
      row.step = std::stoi(field);
      while (std::getline(fields, field, '|')) row.x.push_back(std::stod(field));
      all.push_back(std::move(row));
    }
  }
  return all;
}

template <class Real>
void expect_every_table(double tolerance) {
  std::unique_ptr<SoftThreshold> prox;
  std::unique_ptr<MethodRun<Real>> run;
  std::string at;
  for (const Row& row : rows()) {
    const std::string now = row.method + ", l1 " + std::to_string(row.l1) + ", batch " + std::to_string(row.batch);
    if (now != at) {
      at = now;
      prox = std::make_unique<SoftThreshold>(row.l1);
      run = std::make_unique<MethodRun<Real>>(row.method, sum_of_cosines(row.method.find("skip_flat") != std::string::npos),
                                              kStart, row.batch, row.l1 > 0 ? prox.get() : nullptr);
    }
    while (run->progress().step < row.step) {
      run->progress().factor = 1 / (1 + static_cast<double>(run->progress().step) / 10);
      run->step();
    }
    const Point x = run->output();
    ASSERT_EQ(row.x.size(), kSize);
    for (std::size_t j = 0; j < kSize; ++j)
      ASSERT_NEAR(x[j], row.x[j], tolerance * std::max(1.0, std::abs(row.x[j])))
          << at << ", step " << row.step << ", element " << j;
  }
}

TEST(GoldenSums, EveryTableIsMet) {
  ASSERT_GE(rows().size(), 180U) << "tests/golden/finite_sums is missing or short";
  expect_every_table<double>(1e-12);
}

TEST(GoldenSums, Float32StaysNear) { expect_every_table<float>(1e-3); }

TEST(GoldenSums, EveryEstimatorHasATable) {
  std::set<std::string> names;
  for (const Row& row : rows()) names.insert(row.method.substr(8, row.method.find('"', 8) - 8));
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_estimator == nullptr) continue;
    EXPECT_TRUE(names.contains(std::string(entry->name)))
        << entry->name << ": scripts/golden/finite_sums has no reference for it";
  }
  for (const char* name : {"katyusha", "rsg", "rspg", "rsgf", "rsag", "psgd", "local_sgd", "easgd", "storm"})
    EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace talweg::test
