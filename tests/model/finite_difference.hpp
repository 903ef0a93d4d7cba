// SPDX-License-Identifier: Apache-2.0
// The one check of derivatives: value, gradient, slopes along a line and Hessian-vector products of any Objective<double>
// against central differences, and the Hessian's symmetry. Every model, loss and activation goes through it.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "model/prepared_point.hpp"
#include "talweg/objective.hpp"

namespace talweg::test {

inline std::vector<double> random_vector(const math::ParameterLayout& layout, std::uint64_t stream, double scale) {
  const base::Random random(7, base::Purpose::test);
  std::vector<double> values(layout.extent());
  for (const math::Tensor& t : layout.tensors()) {
    for (std::size_t j = 0; j < t.size; ++j) values[t.offset + j] = scale * random.normal(stream, t.offset + j);
  }
  return values;
}

/// The result of phase two for one tile of one leaf's tapes, in the run's precision.
template <class Real>
std::vector<Real> share_of(const model::Objective<Real>& objective, model::LeafTapes<Real> tapes, const math::Tile& tile,
                           bool tangent = false) {
  std::vector<Real> out(tile.count, std::numeric_limits<Real>::quiet_NaN());  // the first sum overwrites these
  std::vector<Real> scratch(math::TileSum<Real>::kTogether * tile.count);
  math::TileSum<Real> sum(true, std::span<Real>(out), scratch);
  tangent ? objective.tangent_tile({&tapes, 1}, tile, sum) : objective.tile({&tapes, 1}, tile, sum);
  return out;
}

/// Sum of f_i and its gradient (or its Hessian times a direction), all tiles put together.
template <class Real>
double gradient(const model::Objective<Real>& objective, std::span<const Real> x, const data::Examples<Real>& examples,
                std::vector<Real>& out, const std::vector<Real>* direction = nullptr) {
  const std::unique_ptr<model::Tape<Real>> tape = objective.make_tape();
  const model::PreparedPoint<Real> point(objective, x);
  const double value = objective.forward_backward(point, examples, Real{1}, *tape);
  if (direction != nullptr) objective.tangent(point, model::PreparedPoint<Real>(objective, *direction), *tape);
  out.assign(objective.layout().extent(), Real{0});
  for (const math::Tile& tile : objective.layout().tiles()) {
    const auto share = share_of<Real>(objective, {&tape, 1}, tile, direction != nullptr);
    std::copy(share.begin(), share.end(), out.begin() + static_cast<std::ptrdiff_t>(tile.offset));
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
  const model::PreparedPoint<double> here(objective, point);
  EXPECT_NEAR(objective.evaluate(here, examples, *tape).loss, value, 1e-10 * (1 + std::abs(value))) << name;
  for (std::uint64_t trial = 0; trial < 3; ++trial) {
    const auto v = random_vector(layout, 100 + trial, 1);
    const double up = gradient<double>(objective, moved(v, kStep), examples, above);
    const double down = gradient<double>(objective, moved(v, -kStep), examples, below);
    const double scale = 1 + std::abs(dot(g, v));
    EXPECT_NEAR(dot(g, v), (up - down) / (2 * kStep), 1e-6 * scale) << name << ": gradient";

    const std::vector<double> lengths = {0, 0.3, -0.7};
    std::vector<model::ValueAndSlope> line(lengths.size());
    objective.along(here, model::PreparedPoint<double>(objective, v), lengths, examples, *tape, line);
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
