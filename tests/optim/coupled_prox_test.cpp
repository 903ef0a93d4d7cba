// SPDX-License-Identifier: Apache-2.0
// The prox of groups and of a ball against what defines it: the conditions of optimality, in either metric; and rules that meet
// it against solutions in closed form.
#include "optim/coupled_prox.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/optim/coupled_omega.hpp"
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

using math::Coupling;

/// A matrix [5, 37] (two panels of columns and more) and a bias [3], which nothing acts on.
struct Space {
  explicit Space(Coupling::Of of, double size) : coupling{of, size, {true, false}}, space(layout(), 3) {
    const base::Random random(9, base::Purpose::test);
    for (std::size_t i = 0; i < 185; ++i) {
      const double shrunk = i % 37 < 9 ? 0.05 : 1;  // some columns are small
      space.at(kX)[i] = shrunk * random.normal(i);
      space.at(kSteps)[i] = 0.1 + random.uniform(i, 1);
    }
    for (std::size_t i = 192; i < 195; ++i) space.at(kX)[i] = 7, space.at(kSteps)[i] = 1;
    space.copy(kX, kFrom);
  }
  static math::ParameterLayout layout() {
    math::ParameterLayout layout;
    layout.add("w", {5, 37});
    layout.add("b", {3}, true);
    return layout;
  }
  static constexpr math::Vector kX{0}, kSteps{1}, kFrom{2};
  double v(std::size_t i) { return space.at(kFrom)[i]; }
  double x(std::size_t i) { return space.at(kX)[i]; }
  double s(std::size_t i) { return space.at(kSteps)[i]; }
  void one_step(double step) { std::fill(space.at(kSteps).begin(), space.at(kSteps).end(), step); }
  Coupling coupling;
  SerialSpace<double> space;
};

/// Of each group: where x_g is 0, |v_i / s_i|_2 <= w; else w x_i / |x_g| + (x_i - v_i) / s_i = 0.
void expect_optimal_groups(Space& p, double weight) {
  const bool columns = p.coupling.of == Coupling::Of::inputs;
  const std::size_t groups = columns ? 37 : 5, size = columns ? 5 : 37;
  const double w = weight * std::sqrt(static_cast<double>(size));
  int zero = 0, standing = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto at = [&](std::size_t k) { return columns ? k * 37 + g : g * 37 + k; };
    double norm = 0, pull = 0;
    for (std::size_t k = 0; k < size; ++k) {
      norm += p.x(at(k)) * p.x(at(k));
      pull += p.v(at(k)) * p.v(at(k)) / (p.s(at(k)) * p.s(at(k)));
    }
    norm = std::sqrt(norm);
    if (norm == 0) {
      EXPECT_LE(std::sqrt(pull), w * (1 + 1e-12)) << "group " << g;
      ++zero;
      continue;
    }
    ++standing;
    for (std::size_t k = 0; k < size; ++k) {
      const double rest = w * p.x(at(k)) / norm + (p.x(at(k)) - p.v(at(k))) / p.s(at(k));
      EXPECT_NEAR(rest, 0, 1e-11 * (1 + std::abs(p.v(at(k)) / p.s(at(k))))) << "group " << g << ", element " << k;
    }
  }
  EXPECT_GT(standing, 0);
  if (columns) {
    EXPECT_GT(zero, 5) << "the small ones";
  }
  for (std::size_t i = 192; i < 195; ++i) EXPECT_EQ(p.x(i), 7) << "the bias is left alone";
}

TEST(CoupledProx, OfGroupsIsOptimalInEitherMetric) {
  for (const Coupling::Of of : {Coupling::Of::inputs, Coupling::Of::outputs}) {
    Space diagonal(of, 0.3);
    prox_coupled(diagonal.space, diagonal.coupling, Space::kX, Space::kSteps);
    expect_optimal_groups(diagonal, 0.3);
    Space even(of, 0.3), scalar(of, 0.3);
    even.one_step(0.4);
    scalar.one_step(0.4);
    prox_coupled(even.space, even.coupling, Space::kX, Space::kSteps);
    prox_coupled(scalar.space, scalar.coupling, Space::kX, 0.4);
    expect_optimal_groups(scalar, 0.3);
    EXPECT_EQ(even.space.at(Space::kX), scalar.space.at(Space::kX)) << "a metric with one step is that step";
  }
}

TEST(CoupledProx, OfABallIsTheNearestPointInEitherMetric) {
  for (const bool diagonal : {true, false}) {
    Space p(Coupling::Of::all, 2);
    if (!diagonal) p.one_step(1);
    diagonal ? prox_coupled(p.space, p.coupling, Space::kX, Space::kSteps) : prox_coupled(p.space, p.coupling, Space::kX, 1);
    double norm = 0;
    for (std::size_t i = 0; i < 185; ++i) norm += p.x(i) * p.x(i);
    EXPECT_NEAR(std::sqrt(norm), 2, 1e-12);
    // (v_i - x_i) / s_i = mu x_i with one mu > 0.
    const double mu = (p.v(0) - p.x(0)) / p.s(0) / p.x(0);
    EXPECT_GT(mu, 0);
    for (std::size_t i = 0; i < 185; ++i)
      EXPECT_NEAR((p.v(i) - p.x(i)) / p.s(i), mu * p.x(i), 1e-11 * (1 + std::abs(p.v(i)))) << i;
    EXPECT_EQ(p.x(193), 7);
    EXPECT_EQ(coupled_value(p.space, p.coupling, Space::kX), 0) << "what prox leaves is inside";
    EXPECT_EQ(coupled_value(p.space, p.coupling, Space::kFrom), std::numeric_limits<double>::infinity());
  }
}

TEST(CoupledProx, LeavesWhatIsInsideTheBallAlone) {
  Space p(Coupling::Of::all, 100);
  prox_coupled(p.space, p.coupling, Space::kX, Space::kSteps);
  EXPECT_EQ(p.space.at(Space::kX), p.space.at(Space::kFrom));
}

TEST(CoupledProx, ValueIsTheSumOverGroups) {
  Space p(Coupling::Of::inputs, 0.3);
  double sum = 0;
  for (std::size_t g = 0; g < 37; ++g) {
    double square = 0;
    for (std::size_t k = 0; k < 5; ++k) square += p.v(k * 37 + g) * p.v(k * 37 + g);
    sum += 0.3 * std::sqrt(5.0) * std::sqrt(square);
  }
  EXPECT_NEAR(coupled_value(p.space, p.coupling, Space::kFrom), sum, 1e-12 * sum);
}

TEST(CoupledProx, DoesNotHideABrokenParameter) {
  for (const Coupling::Of of : {Coupling::Of::inputs, Coupling::Of::outputs, Coupling::Of::all}) {
    for (const bool diagonal : {true, false}) {
      Space p(of, 0.3);
      p.space.at(Space::kX)[40] = std::numeric_limits<double>::quiet_NaN();
      diagonal ? prox_coupled(p.space, p.coupling, Space::kX, Space::kSteps)
               : prox_coupled(p.space, p.coupling, Space::kX, 0.4);
      EXPECT_TRUE(std::isnan(p.x(40))) << diagonal;
    }
  }
}

TEST(CoupledProx, WhereNoStepWasTakenNothingMoves) {
  Space p(Coupling::Of::inputs, 0.3);
  p.one_step(0);
  prox_coupled(p.space, p.coupling, Space::kX, Space::kSteps);
  EXPECT_EQ(p.space.at(Space::kX), p.space.at(Space::kFrom));
}

// What took no step stands, zero or not, beside what has moved.
TEST(CoupledProx, WhatTookNoStepStandsInAGroupThatMoved) {
  Space p(Coupling::Of::inputs, 0.3);
  auto& x = p.space.at(Space::kX);
  auto& steps = p.space.at(Space::kSteps);
  for (std::size_t i = 0; i < x.size(); i += 2) {
    x[i] = 0;
    steps[i] = 0;
  }
  prox_coupled(p.space, p.coupling, Space::kX, Space::kSteps);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_TRUE(i % 2 == 0 ? p.x(i) == 0 : std::isfinite(p.x(i))) << i;
}

}  // namespace
}  // namespace talweg::test
