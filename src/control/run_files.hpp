// SPDX-License-Identifier: Apache-2.0
// What stands in a run directory, for the commands that read one.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/trace_reader.hpp"

namespace talweg::control {

enum class Kind { run, checkpoint, trace };

/// What is at `path`: a directory is a run, a file that opens as HDF5 at its first byte a trace, any other a checkpoint (whose
/// reader says what is wrong if it is none). Error(input_missing) when nothing is there.
Kind kind_of(const std::filesystem::path& path);

/// step-*.h5 by ascending step; empty when there are none. A run that goes on removes older ones at any time.
std::vector<std::filesystem::path> step_files(const std::filesystem::path& run);

/// What people call a run: the name of its directory (or of the directory of its trace.h5).
std::string run_name(const std::filesystem::path& run_or_trace);

/// One text attribute of a trace, "" when it has none.
std::string text_attribute(const io::Trace& trace, const std::string& name);

/// The last value of a column that is a number; NaN when there is none.
double last_number(const io::Columns& columns, const std::string& name);

/// A shape as people write it: "[10, 128]".
std::string shape_text(const std::vector<std::size_t>& shape);

/// "0.98 %"-style figures for accuracies, six digits otherwise, "-" for NaN.
std::string figure_text(const std::string& name, double value);

/// null where JSON has no number.
nlohmann::ordered_json json_number(double value);

}  // namespace talweg::control
