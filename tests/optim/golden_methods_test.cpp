// SPDX-License-Identifier: Apache-2.0
// Methods with their own step against tables of independent implementations: tests/golden/methods/*.csv, written by
// scripts/golden/make.py; scripts/golden/problems.py says what the problems are.
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

double centre(std::size_t j) {
  const auto place = static_cast<double>(j);
  return std::cos(1.7 * place) * (1 + 0.2 * place);
}

FiniteSum logistic() {
  return {.n = 15,
          .dimension = kSize,
          .term =
              [](std::size_t i, const Point& x, Point& g) {
                const auto row = static_cast<double>(i);
                const auto a = [row](std::size_t j) {
                  const auto place = static_cast<double>(j);
                  return std::cos(1.3 * row + 0.7 * place + 0.11 * row * place);
                };
                const double b = std::cos(2.1 * row + 0.4) > 0 ? 1 : -1;
                double z = 0;
                for (std::size_t j = 0; j < kSize; ++j) z += a(j) * x[j];
                const double p = 1 / (1 + std::exp(b * z));
                double value = std::log1p(std::exp(-b * z));
                for (std::size_t j = 0; j < kSize; ++j) {
                  value += 0.025 * (x[j] - centre(j)) * (x[j] - centre(j));
                  g[j] += -b * p * a(j) + 0.05 * (x[j] - centre(j));
                }
                return value;
              },
          .hessian_vector = {},
          .shapes = {{4, 2}, {4}}};
}

FiniteSum sines() {
  return {.n = 1,
          .dimension = kSize,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < kSize; ++j) {
                  const double h = 0.9 + 0.31 * static_cast<double>(j);
                  const double away = x[j] - centre(j);
                  const double right = x[(j + 1) % kSize], left = x[(j + kSize - 1) % kSize];
                  value += 0.5 * h * away * away + 0.5 * std::sin(2 * x[j]) + 0.3 * x[j] * right;
                  g[j] += h * away + std::cos(2 * x[j]) + 0.3 * (right + left);
                }
                return value;
              },
          .hessian_vector = {},
          .shapes = {{4, 2}, {4}}};
}

FiniteSum wells() {
  return {.n = 1,
          .dimension = kSize,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < kSize; ++j) {
                  const double a = 0.6 + 0.1 * static_cast<double>(j);
                  const double right = x[(j + 1) % kSize], left = x[(j + kSize - 1) % kSize];
                  value += std::pow(x[j], 4) / 4 - 0.5 * a * x[j] * x[j] + 0.02 * x[j] * right;
                  g[j] += std::pow(x[j], 3) - a * x[j] + 0.02 * (right + left);
                }
                return value;
              },
          .hessian_vector = {},
          .shapes = {{4, 2}, {4}}};
}

FiniteSum problem_of(const std::string& name) { return name == "logistic" ? logistic() : name == "sines" ? sines() : wells(); }

TEST(GoldenMethods, EveryTableIsMet) {
  std::size_t rows = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source() / "tests/golden/methods")) {
    std::ifstream stream(entry.path());
    std::string line;
    std::getline(stream, line);
    std::string running;
    std::optional<MethodRun<double>> run;
    std::optional<SoftThreshold> prox;
    while (std::getline(stream, line)) {
      std::istringstream fields(line);
      std::string method, l1, problem, step, value;
      for (std::string* field : {&method, &l1, &problem, &step}) std::getline(fields, *field, '|');
      if (const std::string now = method + l1 + problem; now != running) {
        running = now;
        prox.emplace(std::stod(l1));
        run.emplace(method, problem_of(problem), kStart, 0, std::stod(l1) > 0 ? &*prox : nullptr);
      }
      while (run->progress().step < std::stoi(step)) run->step();
      const Point x = run->output();
      for (std::size_t j = 0; j < kSize; ++j) {
        std::getline(fields, value, '|');
        const double expected = std::stod(value);
        ASSERT_NEAR(x[j], expected, 1e-12 * std::max(1.0, std::abs(expected)))
            << method << ", l1 " << l1 << ", " << problem << ", step " << step << ", element " << j;
      }
      ++rows;
    }
  }
  EXPECT_GE(rows, 300U) << "tests/golden/methods is missing or short";
}

TEST(GoldenMethods, EveryLineOfTheCatalogueHasATable) {
  std::set<std::string> named;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source() / "tests/golden")) {
    std::ifstream stream(entry.path());
    const std::string start = "name = \"";
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with(start)) named.insert(line.substr(start.size(), line.find('"', start.size()) - start.size()));
    }
  }
  for (const optim::Entry* entry : optim::catalogue()) {
    EXPECT_TRUE(named.contains(std::string(entry->name))) << entry->name << " has no table in tests/golden";
  }
}

}  // namespace
}  // namespace talweg::test
