// SPDX-License-Identifier: Apache-2.0
// Reads every file of a run and checks them against each other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/trace_reader.hpp"
#include "report/stored_summary.hpp"
#include "talweg/error.hpp"

namespace talweg::inspect {

/// One file, and what reading all of it came to.
struct FileFinding {
  std::string file;
  std::string kind;
  std::int64_t step = -1;  // negative: none
  base::ExitCode code = base::ExitCode::finished;
  std::string problem;  // empty: intact
};

/// A run directory with all its files, one checkpoint or one trace. Changes nothing.
/// Error(input_missing) for a directory with neither checkpoint nor trace.
std::vector<FileFinding> verify(const std::filesystem::path& path);
std::string findings_text(const std::vector<FileFinding>& findings);
std::string findings_json(const std::vector<FileFinding>& findings);
/// bad_data if a file is damaged, else the code of the first finding with a problem, else finished.
base::ExitCode exit_code(const std::vector<FileFinding>& findings);

/// What an intact step checkpoint says about the other files of its run.
struct CheckpointFacts {
  std::filesystem::path file;
  std::int64_t step = 0;
  std::int64_t best_step = -1;  // negative: no best point yet
  bool best_after = false;      // best.h5 was still to be written: the run's first checkpoint
  std::int64_t row = -1;        // step of the trace's last row at that time, 0: none; negative: not recorded
  std::int64_t first_row = -1;
  std::optional<std::int64_t> row_mark;
};

/// Files that are missing though others say they existed (the last checkpoint, the best point, rows of the trace), and
/// checkpoints that belong to another trace. `summary` must have been read before the rest; `checkpoints` are the intact ones,
/// ascending; `best` is the step of an intact best.h5; `trace` is the run's if it could be read.
std::vector<FileFinding> contradictions(const std::filesystem::path& run, const report::SummaryFacts& summary,
                                        const std::vector<CheckpointFacts>& checkpoints,
                                        const std::optional<std::int64_t>& best, const std::optional<io::Trace>& trace);

}  // namespace talweg::inspect
