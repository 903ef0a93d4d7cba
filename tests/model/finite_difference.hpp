// SPDX-License-Identifier: Apache-2.0
// The one check of derivatives: value, gradient, slopes along a line and Hessian-vector products of any Objective<double>
// against central differences, and the Hessian's symmetry. Every model, loss and activation goes through it.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "talweg/base/random.hpp"
#include "talweg/model/objective.hpp"

namespace talweg::test {

inline std::vector<double> random_vector(const math::ParameterLayout& layout, std::uint64_t stream, double scale) {
  const base::Random random(7, base::Purpose::test);
  std::vector<double> values(layout.extent());
  for (const math::Tensor& t : layout.tensors()) {
    for (std::size_t j = 0; j < t.size; ++j) values[t.offset + j] = scale * random.normal(stream, t.offset + j);
  }
  return values;
}

/// What the engine prepares before the leaves.
template <class Real>
std::vector<Real> prepared(const model::Objective<Real>& objective, std::span<const Real> x) {
  std::vector<Real> made(objective.prepared_extent());
  for (const math::Tile& tile : objective.layout().tiles()) objective.prepare_tile(x, tile, made);
  return made;
}

/// Sum of f_i and its gradient, all tiles put together.
template <class Real>
double gradient(const model::Objective<Real>& objective, std::span<const Real> x, const data::Examples<Real>& examples,
                std::vector<Real>& out, const std::vector<Real>* direction = nullptr) {
  const auto tape = objective.make_tape();
  const auto made = prepared<Real>(objective, x);
  const model::Point<Real> point(x, made);
  const double value = objective.forward_backward(point, examples, *tape);
  if (direction != nullptr) {
    const auto made_of_direction = prepared<Real>(objective, *direction);
    objective.tangent(point, {*direction, made_of_direction}, *tape);
  }
  out.assign(objective.layout().extent(), std::numeric_limits<Real>::quiet_NaN());  // beta = 0 asks for no clean start
  for (const math::Tensor& t : objective.layout().tensors()) {
    const auto gap = std::span(out).subspan(t.offset + t.size);
    std::fill_n(gap.begin(), std::min(gap.size(), math::ParameterLayout::kAlign), Real{0});
  }
  for (const math::Tile& tile : objective.layout().tiles()) {
    const auto part = std::span(out).subspan(tile.offset, tile.count);
    if (direction != nullptr) {
      objective.tangent_tile(*tape, tile, Real{1}, Real{0}, part);
    } else {
      objective.tile(*tape, tile, Real{1}, Real{0}, part);
    }
  }
  return value;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// `point` should lie away from kinks of relu and huber by more than the differences' step.
inline void check_derivatives(const model::Objective<double>& objective, const data::Examples<double>& examples,
                              const std::vector<double>& point, const std::string& name) {
  constexpr double kStep = 1e-5;
  const auto& layout = objective.layout();
  const auto moved = [&](const std::vector<double>& v, double t) {
    std::vector<double> x = point;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += t * v[i];
    return x;
  };
  std::vector<double> g, above, below, product, other;
  const double value = gradient<double>(objective, point, examples, g);
  const auto tape = objective.make_tape();
  EXPECT_NEAR(objective.evaluate(point, examples, *tape).loss, value, 1e-10 * (1 + std::abs(value))) << name;
  for (std::uint64_t trial = 0; trial < 3; ++trial) {
    const auto v = random_vector(layout, 100 + trial, 1);
    const double up = gradient<double>(objective, moved(v, kStep), examples, above);
    const double down = gradient<double>(objective, moved(v, -kStep), examples, below);
    const double scale = 1 + std::abs(dot(g, v));
    EXPECT_NEAR(dot(g, v), (up - down) / (2 * kStep), 1e-6 * scale) << name << ": gradient";

    const std::vector<double> lengths = {0, 0.3, -0.7};
    std::vector<model::ValueAndSlope> line(lengths.size());
    const auto made = prepared<double>(objective, point);
    const auto made_of_v = prepared<double>(objective, v);
    objective.along({point, made}, {v, made_of_v}, lengths, examples, *tape, line);
    for (std::size_t k = 0; k < lengths.size(); ++k) {
      const double there = gradient<double>(objective, moved(v, lengths[k]), examples, other);
      EXPECT_NEAR(line[k].value, there, 1e-9 * (1 + std::abs(there))) << name << ": value at length " << lengths[k];
      EXPECT_NEAR(line[k].slope, dot(other, v), 1e-9 * (1 + std::abs(dot(other, v))))
          << name << ": slope at length " << lengths[k];
    }
    if (!objective.capabilities().hvp) continue;
    gradient<double>(objective, point, examples, product, &v);
    double largest = 1;
    for (const double p : product) largest = std::max(largest, std::abs(p));
    for (std::size_t i = 0; i < product.size(); ++i) {
      ASSERT_NEAR(product[i], (above[i] - below[i]) / (2 * kStep), 2e-5 * largest)
          << name << ": Hessian-vector product, element " << i;
    }
    const auto w = random_vector(layout, 200 + trial, 1);
    gradient<double>(objective, point, examples, other, &w);
    EXPECT_NEAR(dot(w, product), dot(v, other), 1e-9 * (1 + std::abs(dot(w, product))))
        << name << ": the Hessian is not symmetric";
  }
}

}  // namespace talweg::test
