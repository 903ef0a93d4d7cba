// SPDX-License-Identifier: Apache-2.0
// What `talweg verify` finds of a run's files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/checkpoint.hpp"
#include "io/trace_reader.hpp"
#include "talweg/error.hpp"
#include "talweg/train.hpp"
#include "train/summary.hpp"

namespace talweg::control {

/// One file and what became of reading all of it.
struct Finding {
  std::string file;
  std::string kind;
  std::int64_t step = -1;  // negative: none
  base::ExitCode code = base::ExitCode::finished;
  std::string problem;  // empty: intact
};

/// What an intact step checkpoint says of its run.
struct Told {
  std::filesystem::path file;
  std::int64_t step = 0;
  std::int64_t best_step = -1;  // negative: none was kept
  bool best_after = false;      // best.h5 was to be written after it: the run's first
  std::int64_t row = -1;        // step of the trace's last row then, 0: none; negative: an older version did not say
  std::int64_t first_row = -1;
  std::optional<std::int64_t> row_mark;
};

/// What is not there, though other files of the run say that it was: the last checkpoint, the best point, rows of the trace;
/// and checkpoints that the trace does not speak of. `told`: by the summary, read first; `checkpoints`: the intact ones,
/// ascending; `best`: the step of best.h5, if that is intact; `trace`: the run's, if it is.
std::vector<Finding> contradictions(const std::filesystem::path& run, const train::SummaryFacts& told,
                                    const std::vector<Told>& checkpoints, const std::optional<std::int64_t>& best,
                                    const std::optional<io::Trace>& trace);

}  // namespace talweg::control
