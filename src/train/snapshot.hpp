// SPDX-License-Identifier: Apache-2.0
// Between a live run (state, engine) and its files (checkpoint, trace).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/checkpoint.hpp"
#include "train/coordinator.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

/// x at step 0: [init], or the file it names (npz or checkpoint; names and shapes must fit: Error(bad_data)).
template <class Real>
void initial_point(const RunConfig& run, const engine::Problem<Real>& problem, const math::Threads& threads, std::span<Real> x);

/// Named tensors back into a vector; a missing one, another shape or precision is an Error(bad_data) naming `file`.
template <class Real>
void values_from(const std::vector<io::StoredTensor>& tensors, const std::string& file, const math::ParameterLayout& layout,
                 std::span<Real> values);

/// Grids and meters as slots, so that what the engine remembers outlives a kill too.
void declare_engine_slots(math::StateLayout& layout, std::size_t tensors);

/// Copies everything declared into `to`, whose memory of an earlier capture is used again: the vector named `output` as its
/// parameters, the others as state; the caller adds step, config and data. Between steps: with placement "replicated" all ranks
/// of the node write what is read here.
template <class Real>
void capture(const engine::Problem<Real>& problem, math::State& state, engine::Engine<Real>& engine, std::string_view output,
             io::Checkpoint& to);
/// And back; the ranks are not told yet (Engine::publish). A slot that is missing is an Error(bad_data) naming `file`.
template <class Real>
void restore(const io::Checkpoint& checkpoint, const std::string& file, const engine::Problem<Real>& problem,
             math::State& state, std::string_view output, engine::Engine<Real>& engine);

/// Features, classes, transform, model line.
template <class Real>
void describe_data(io::Checkpoint& checkpoint, const RunFacts& facts, const engine::Problem<Real>& problem);

}  // namespace talweg::train
