// SPDX-License-Identifier: Apache-2.0
// A problem of the registry as a FiniteSum, for methods on the serial oracle.
#pragma once

#include "model/problem.hpp"
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {

/// A problem as [problem] (and [regularizer]) of a config give it.
struct KnownProblem {
  explicit KnownProblem(const std::string& text) {
    const base::Config parsed = base::Config::parse("[problem]\n" + text, "test.toml");
    omega = model::parse_regularizer(parsed.section("regularizer"));
    config = model::parse_problem(parsed.section("problem"), omega);
    parsed.reject_unread();
    known = model::known_with(config, omega);
  }
  [[nodiscard]] FiniteSum sum() const {
    const auto problem = config.problem;
    const auto record = [](std::size_t i) { return model::UserExample{.features = {}, .target = 0, .record = i}; };
    return {.n = problem->terms(),
            .dimension = problem->dimension(),
            .term = [=](std::size_t i, const Point& x, Point& g) { return problem->value_and_gradient(x, record(i), g); },
            .hessian_vector =
                [=](const Point& x, const Point& v) {
                  Point out(x.size());
                  for (std::size_t i = 0; i < problem->terms(); ++i) problem->hessian_vector(x, v, record(i), out);
                  for (double& o : out) o /= static_cast<double>(problem->terms());
                  return out;
                }};
  }
  /// |x - x*|^2, x* the first minimum.
  [[nodiscard]] double distance2(const Point& x) const {
    double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j) sum += std::pow(x[j] - known.points.front().x[j], 2);
    return sum;
  }
  /// F at x, Omega included.
  [[nodiscard]] double value(const Point& x) const {
    Point unused(x.size());
    double smooth = 0, rest = 0;
    for (std::size_t i = 0; i < config.problem->terms(); ++i)
      smooth += config.problem->value_and_gradient(x, {.features = {}, .target = 0, .record = i}, unused);
    for (const double v : x) rest += omega.l1 * std::abs(v) + 0.5 * omega.l2 * v * v;
    return smooth / static_cast<double>(config.problem->terms()) + rest;
  }

  model::Regularizer::Config omega;
  model::ProblemConfig config;
  model::Known known;
};

}  // namespace talweg::test
