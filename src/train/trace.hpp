// SPDX-License-Identifier: Apache-2.0
// The run's trace: which columns, which attributes.
#pragma once

#include <memory>

#include "io/trace_writer.hpp"
#include "train/coordinator.hpp"

namespace talweg::train {

/// A new trace in `directory`, or, `resumed`, the one that is there, cut back to the state's step.
template <class Real>
std::unique_ptr<io::TraceWriter> open_trace(const std::filesystem::path& directory, const base::Config& config,
                                            const RunConfig& run, const RunFacts& facts, const engine::Problem<Real>& problem,
                                            math::State& state, bool resumed);

}  // namespace talweg::train
