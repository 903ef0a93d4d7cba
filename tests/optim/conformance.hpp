// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of the whole catalogue: problems over a matrix [4, 2] and a bias [4], and methods with the defaults of a
// line.
#pragma once

#include <fmt/format.h>

#include <optional>

#include "optim/settings.hpp"
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {

constexpr std::size_t kSize = 12;
inline const std::vector<std::vector<std::size_t>> kShapes = {{4, 2}, {4}};
inline const Point kStart = {2, -1, 4, 1, -3, 2, 0.5, -2, 1, 3, -1, 2};

inline FiniteSum in_tensors(FiniteSum f) {
  f.shapes = kShapes;
  return f;
}

/// Logistic regression on labels that a line does not part, the last column a copy of the first: convex, a whole line of
/// minima.
inline FiniteSum logistic() {
  const base::Random random(5, base::Purpose::test);
  optim::CurvatureBounds bounds{.over_zero = 1};
  for (std::size_t i = 0; i < 60; ++i) {
    double squared = 0;
    for (std::size_t j = 0; j < kSize; ++j) squared += std::pow(random.normal(i, j + 1 < kSize ? j : 0), 2);
    bounds.largest = std::max(bounds.largest, squared / 4);
    bounds.mean += squared / 240;
  }
  return {.n = 60,
          .dimension = kSize,
          .term =
              [random](std::size_t i, const Point& x, Point& g) {
                Point a(kSize);
                for (std::size_t j = 0; j + 1 < kSize; ++j) a[j] = random.normal(i, j);
                a.back() = a.front();
                double z = 0;
                for (std::size_t j = 0; j < kSize; ++j) z += a[j] * x[j];
                const double y = a[0] - a[3] + random.normal(i, kSize) > 0 ? 1 : -1;
                const double p = 1 / (1 + std::exp(y * z));
                for (std::size_t j = 0; j < kSize; ++j) g[j] -= y * p * a[j];
                return y * z > 0 ? std::log1p(std::exp(-y * z)) : -y * z + std::log1p(std::exp(y * z));
              },
          .hessian_vector =
              [random](const Point& x, const Point& v) {
                Point out(kSize);
                for (std::size_t i = 0; i < 60; ++i) {
                  Point a(kSize);
                  for (std::size_t j = 0; j + 1 < kSize; ++j) a[j] = random.normal(i, j);
                  a.back() = a.front();
                  double z = 0, along = 0;
                  for (std::size_t j = 0; j < kSize; ++j) z += a[j] * x[j], along += a[j] * v[j];
                  const double p = 1 / (1 + std::exp(z));
                  for (std::size_t j = 0; j < kSize; ++j) out[j] += p * (1 - p) * along * a[j] / 60;
                }
                return out;
              },
          .shapes = kShapes,
          .bounds = bounds};
}

/// sum_j x_j^2 + 3 sin^2 x_j, each term tilted by b_i with sum b = 0: not convex, gradient-dominated, F* = 0 at 0.
inline FiniteSum sines() {
  const base::Random random(6, base::Purpose::test);
  return {.n = 60,
          .dimension = kSize,
          .term =
              [random](std::size_t i, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < kSize; ++j) {
                  const double tilt = (i % 2 == 0 ? 1 : -1) * random.normal(i / 2, j);
                  value += x[j] * x[j] + 3 * std::sin(x[j]) * std::sin(x[j]) + tilt * x[j];
                  g[j] += 2 * x[j] + 3 * std::sin(2 * x[j]) + tilt;
                }
                return value;
              },
          .hessian_vector =
              [](const Point& x, const Point& v) {
                Point out(kSize);
                for (std::size_t j = 0; j < kSize; ++j) out[j] = (2 + 6 * std::cos(2 * x[j])) * v[j];
                return out;
              },
          .shapes = kShapes};
}

/// (x - c)^2 / 2 with c = (3, 0.5, -4, ...): with |x|_1 the minimum is at soft(c, 1).
inline const Point kCentre = {3, 0.5, -4, 2, -0.25, 1.5, 5, -0.75, -2, 0.1, 4, -3};
inline FiniteSum lasso() {
  return {.n = 1,
          .dimension = kSize,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < kSize; ++j) {
                  value += 0.5 * (x[j] - kCentre[j]) * (x[j] - kCentre[j]);
                  g[j] += x[j] - kCentre[j];
                }
                return value;
              },
          .hessian_vector = [](const Point&, const Point& v) { return v; },
          .shapes = kShapes,
          .bounds = optim::CurvatureBounds{.largest = 1, .mean = 1, .over_zero = 1}};
}

inline std::string lines_of(const optim::Entry& entry, const std::string& more = "") {
  return "name = \"" + std::string(entry.name) + "\"\n" + more;
}

/// The method and the batch that the defaults of a line give.
struct Defaults {
  base::Config config;
  std::unique_ptr<optim::Method> method;
  explicit Defaults(const optim::Entry& entry)
      : config(base::Config::parse("[method]\n" + lines_of(entry), "defaults.toml")),
        method(optim::build_method(config.section("method"))) {}
};

inline std::size_t batch_of(const Defaults& defaults) { return defaults.method->needs().has(optim::Need::full_batch) ? 0 : 9; }

/// [method] of the entry with its defaults, and with each of its keys changed. Keys that need other keys are left out.
inline std::vector<std::string> modes_of(const optim::Entry& entry) {
  std::vector<std::string> modes = {lines_of(entry)};
  for (const base::Resolved& key : Defaults(entry).config.resolved()) {
    if (key.key == "name") continue;
    for (const std::string& setting : optim::other_settings(key)) {
      std::string lines = lines_of(entry, setting + "\n");
      try {
        optim::build_method(base::Config::parse("[method]\n" + lines, "modes.toml").section("method"));
      } catch (const base::Error&) {
        continue;
      }
      modes.push_back(std::move(lines));
    }
  }
  return modes;
}

}  // namespace talweg::test
