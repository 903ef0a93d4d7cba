// SPDX-License-Identifier: Apache-2.0
// L_i = c (|a_i|^2 + 1) for every row of a linear model: the largest, and the mean. Every row's norm is one chain of additions
// and the sum over rows is exact, so neither depends on how the rows lie on ranks.
#include "engine/curvature.hpp"

#include <algorithm>
#include <cmath>

#include "math/exact_sum.hpp"

namespace talweg::engine {
namespace {

template <class Real>
double squared_norm(const data::Dataset<Real>& data, std::size_t row) {
  const auto square = [](Real v) { return static_cast<double>(v) * static_cast<double>(v); };
  double sum = 0;
  if (data.shape().sparse) {
    for (std::size_t k = data.row_begin[row]; k < data.row_begin[row + 1]; ++k) sum += square(data.value[k]);
  } else {
    const std::size_t features = data.shape().features;
    for (const Real v : data.dense.span().subspan(row * features, features)) sum += square(v);
  }
  return sum;
}

}  // namespace

template <class Real>
std::optional<optim::CurvatureBounds> curvature_bounds(const model::Objective<Real>& objective,
                                                       const data::Dataset<Real>& train, comm::Communicator& comm) {
  const auto linear = objective.linear_curvature();
  if (!linear) return std::nullopt;
  math::ExactSum sum;
  std::vector<double> largest(static_cast<std::size_t>(comm.size()));  // of each rank
  double& mine = largest[static_cast<std::size_t>(comm.rank())];
  for (std::size_t row = 0; row < train.rows(); ++row) {
    const double curvature = linear->loss * (squared_norm(train, row) + linear->bias);
    sum.add(curvature);
    mine = std::max(mine, curvature);
  }
  comm.sum(sum.digits());
  comm.sum(std::span(largest));
  return optim::CurvatureBounds{.largest = *std::ranges::max_element(largest),
                                .mean = sum.value() / static_cast<double>(train.plan().count()),
                                .over_zero = linear->over_zero};
}

template std::optional<optim::CurvatureBounds> curvature_bounds(const model::Objective<float>&, const data::Dataset<float>&,
                                                                comm::Communicator&);
template std::optional<optim::CurvatureBounds> curvature_bounds(const model::Objective<double>&, const data::Dataset<double>&,
                                                                comm::Communicator&);

}  // namespace talweg::engine
