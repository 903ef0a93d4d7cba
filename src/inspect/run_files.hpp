// SPDX-License-Identifier: Apache-2.0
// Finding the files of a run, and small helpers that all readers of runs share.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/trace_reader.hpp"

namespace talweg::inspect {

enum class PathKind { run, checkpoint, trace };

/// A directory is a run, a file with the HDF5 signature at its first byte a trace, any other file a checkpoint (whose reader
/// says what is wrong if it is none). Error(input_missing) when there is nothing at `path`.
PathKind kind_of(const std::filesystem::path& path);

/// step-*.h5 by ascending step; may be empty. A live run removes old ones at any time.
std::vector<std::filesystem::path> step_files(const std::filesystem::path& run);

/// The name of a run's directory (or of the directory of its trace.h5).
std::string run_name(const std::filesystem::path& run_or_trace);

/// One text attribute of a trace, "" when it has none.
std::string text_attribute(const io::Trace& trace, const std::string& name);

/// The last value of a column that is not NaN; NaN when there is none.
double last_number(const io::Columns& columns, const std::string& name);

/// "[10, 128]"
std::string shape_text(const std::vector<std::size_t>& shape);

/// Accuracies as "98.00 %", other figures with six digits, NaN as "-".
std::string figure_text(const std::string& name, double value);

}  // namespace talweg::inspect
