// SPDX-License-Identifier: Apache-2.0
// The slots of a run: x, what the trainer and the engine keep, the schedule's, and the method's own. One function lays them out.
#pragma once

#include "talweg/state.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

/// Throws what Method::declare() does when the method refuses the model.
math::StateLayout run_layout(const RunConfig& run, const math::ParameterLayout& parameters);

/// Names of what the method keeps, x included, with the sizes of arrays: what a run that is gone on from must have.
std::vector<std::string> method_slots(const optim::Method& method, const math::ParameterLayout& parameters);

}  // namespace talweg::train
