// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "data/dataset.hpp"
#include "model/regularizer.hpp"
#include "talweg/objective.hpp"
#include "talweg/oracle.hpp"

namespace talweg::engine {

/// F on this rank: the objective, Omega, and this rank's share of each part of the data.
template <class Real>
struct LocalSum {
  std::unique_ptr<model::Objective<Real>> objective;
  model::Regularizer regularizer;
  data::Dataset<Real> train;
  std::optional<data::Dataset<Real>> valid;
  std::optional<data::Dataset<Real>> test;
  std::optional<optim::CurvatureBounds> curvature{};  // when the method wants it
};

}  // namespace talweg::engine
