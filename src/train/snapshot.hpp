// SPDX-License-Identifier: Apache-2.0
// Between a live run (state, session) and a checkpoint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "comm/agree.hpp"
#include "engine/problem.hpp"
#include "engine/session.hpp"
#include "io/checkpoint.hpp"
#include "train/run.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

/// x at step 0: [init], or the file it names (npz or checkpoint; names and shapes must fit: Error(bad_data)).
void initial_point(const RunConfig& run, const math::ParameterLayout& layout, const math::Threads& threads, engine::Values x);
/// Rank 0: x and the other slots as they are at step 0.
void fill_initial(Run& run);

/// Named tensors back into a vector; a missing one or another shape is an Error(bad_data) naming `file`.
void values_from(const std::vector<io::StoredTensor>& tensors, const std::string& file, const math::ParameterLayout& layout,
                 engine::Values values);

/// Collective. Takes a checkpoint, if the archive takes any; Error(diverged) on all ranks when it is not finite. `ending`: why
/// the run ends with it, null: it goes on.
void save_checkpoint(Run& run, const Ending* ending);
/// Collective. Writes the best point alone, if it is not on the disk. It is finite, whatever has become of the rest.
void save_best(Run& run);

/// Rank 0: a checkpoint back into state and session; distribute() brings it to the other ranks. A slot that is missing is an
/// Error(bad_data) naming `file`.
void restore(const io::Checkpoint& checkpoint, const std::string& file, Run& run);

/// Error(bad_data) when the data is not what the checkpoint `file` was made from.
void expect_data_of(const io::Checkpoint& checkpoint, const std::string& file, const engine::Problem& problem);

}  // namespace talweg::train
