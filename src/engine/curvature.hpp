// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "data/dataset.hpp"
#include "talweg/communicator.hpp"
#include "talweg/objective.hpp"
#include "talweg/oracle.hpp"

namespace talweg::engine {

/// Collective: bounds of the terms' curvature from the rows of all ranks; nothing when the objective is not linear.
template <class Real>
std::optional<optim::CurvatureBounds> curvature_bounds(const model::Objective<Real>& objective,
                                                       const data::Dataset<Real>& train, comm::Communicator& comm);

}  // namespace talweg::engine
