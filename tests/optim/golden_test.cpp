// SPDX-License-Identifier: Apache-2.0
// Every rule and dialect against tables of independent implementations: tests/golden/rules/*.csv, written by
// scripts/golden/make.py, whose harness.py says what the two loops are.
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
constexpr std::size_t kSteps = 40;
const Point kStart = {1.0, -2.0, 0.5, 3.0, -0.25, 1.5, -1.0, 0.0, 2.0, -0.75, 4.0, -3.0};
const std::vector<std::vector<std::size_t>> kShapes = {{4, 2}, {4}};

std::filesystem::path golden_folder() { return source() / "tests/golden"; }

Point numbers(const std::string& line, char separator) {
  Point values;
  std::istringstream fields(line);
  for (std::string field; std::getline(fields, field, separator);) values.push_back(std::stod(field));
  return values;
}

/// The derivative of the closed loop's gradient at x along v.
Point product(const Point& x, const Point& v) {
  Point out(kSize);
  for (std::size_t j = 0; j < kSize; ++j) {
    const std::size_t next = (j + 1) % kSize;
    const double size = 1 + std::abs(x[j]);
    out[j] = (0.2 + 0.31 * static_cast<double>(j)) * v[j] + 0.3 * (v[next] * x[j] / size + x[next] * v[j] / (size * size));
  }
  return out;
}

FiniteSum open_loop() {
  std::vector<Point> rows;
  std::ifstream file(golden_folder() / "gradients.csv");
  for (std::string line; std::getline(file, line);) rows.push_back(numbers(line, ','));
  return {.n = kSteps,
          .dimension = kSize,
          .term =
              [rows](std::size_t t, const Point&, Point& g) {
                for (std::size_t j = 0; j < kSize; ++j) g[j] += rows.at(t).at(j);
                return 0.0;
              },
          .hessian_vector = product,
          .shapes = kShapes};
}

FiniteSum closed_loop() {
  return {.n = kSteps,
          .dimension = kSize,
          .term =
              [](std::size_t t, const Point& x, Point& g) {
                for (std::size_t j = 0; j < kSize; ++j) {
                  const auto place = static_cast<double>(j);
                  const double centre = std::cos(1.7 * place) * (1 + 0.2 * place);
                  g[j] += (0.2 + 0.31 * place) * (x[j] - centre) + 0.3 * x[(j + 1) % kSize] * x[j] / (1 + std::abs(x[j])) +
                          0.5 * std::cos(static_cast<double>(t) + 2.7 * place);
                }
                return 0.0;
              },
          .hessian_vector = product,
          .shapes = kShapes};
}

/// One case in one loop: the points of the steps that are shown.
struct Golden {
  std::string method;
  std::string omega;  // "0.4": l1; "0.4 box 1.5": and |x_j| <= 1.5
  bool open = false;
  std::vector<std::pair<int, Point>> points;
};

std::vector<Golden> golden_cases(const std::filesystem::path& file) {
  std::vector<Golden> cases;
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    std::istringstream fields(line);
    std::string method, omega, loop, step, rest;
    for (std::string* field : {&method, &omega, &loop, &step}) std::getline(fields, *field, '|');
    std::getline(fields, rest);
    const Golden next{method, omega, loop == "open", {}};
    if (cases.empty() || cases.back().method != next.method || cases.back().omega != next.omega ||
        cases.back().open != next.open)
      cases.push_back(next);
    cases.back().points.emplace_back(std::stoi(step), numbers(rest, '|'));
  }
  return cases;
}

std::vector<Golden> all_cases() {
  std::vector<Golden> all;
  for (const auto& file : std::filesystem::directory_iterator(golden_folder() / "rules")) {
    const auto cases = golden_cases(file.path());
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

/// Of what divides by small differences of large sums no two orders of additions agree as well as the others do: a gradient
/// that lies in the span of the earlier ones but for a part of size s has a root that is known to 1e-16 |G| / s.
double tolerance_of(const Golden& golden) { return golden.method.starts_with("name = \"adagrad_full\"") ? 1e-11 : 1e-12; }

template <class Real>
void expect_golden(const Golden& golden, double tolerance) {
  const std::size_t box = golden.omega.find("box");
  const double l1 = std::stod(golden.omega);
  const SoftThreshold prox =
      box == std::string::npos ? SoftThreshold(l1) : SoftThreshold(l1, std::stod(golden.omega.substr(box + 4)));
  const bool smooth = l1 == 0 && box == std::string::npos;
  MethodRun<Real> run(golden.method, golden.open ? open_loop() : closed_loop(), kStart, 1, smooth ? nullptr : &prox);
  for (const auto& [step, expected] : golden.points) {
    while (run.progress().step < step) {
      run.progress().factor = 1 / (1 + static_cast<double>(run.progress().step) / 10);
      run.step();
    }
    const Point x = run.output();
    for (std::size_t j = 0; j < kSize; ++j) {
      ASSERT_NEAR(x[j], expected.at(j), tolerance * std::max(1.0, std::abs(expected[j])))
          << golden.method << ", omega_l1 " << golden.omega << ", " << (golden.open ? "open" : "closed") << " loop, step "
          << step << ", element " << j;
    }
  }
}

TEST(Golden, EveryTableIsMet) {
  const auto cases = all_cases();
  ASSERT_GE(cases.size(), 30U) << "tests/golden/rules is missing or short";
  for (const Golden& golden : cases) expect_golden<double>(golden, tolerance_of(golden));
}

// The same loops in float32: rounding grows, but a wrong formula would show.
TEST(Golden, Float32StaysNear) {
  for (const Golden& golden : all_cases()) {
    if (!golden.open) expect_golden<float>(golden, 1e-3);
  }
}

TEST(Golden, EveryRuleAndDialectHasATable) {
  const auto cases = all_cases();
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_rule == nullptr) continue;
    const std::string name = "name = \"" + std::string(entry->name) + '"';
    EXPECT_TRUE(std::ranges::any_of(cases, [&](const Golden& g) { return g.method.starts_with(name); }))
        << entry->name << ": scripts/golden/rules has no reference for it";
    for (const std::string_view dialect : entry->dialects) {
      const std::string key = "dialect = \"" + std::string(dialect) + '"';
      EXPECT_TRUE(std::ranges::any_of(cases,
                                      [&](const Golden& g) {
                                        const bool named = g.method.find(key) != std::string::npos;
                                        const bool unnamed = g.method.find("dialect") == std::string::npos;
                                        return g.method.starts_with(name) &&
                                               (named || (unnamed && dialect == entry->dialects.front()));
                                      }))
          << entry->name << ": dialect " << dialect << " has no reference";
    }
  }
}

}  // namespace
}  // namespace talweg::test
