// SPDX-License-Identifier: Apache-2.0
// A trace from its two files, with the generation that joins them.
#pragma once

#include <cstdint>
#include <filesystem>

#include "talweg/io/trace.hpp"

namespace talweg::io {

struct ReadTrace {
  Trace trace;
  std::int64_t generation = 0;
};

/// `file` is trace.h5; trace.rows is looked for beside it.
ReadTrace read_trace_files(const std::filesystem::path& file);

inline constexpr const char* kTraceFile = "trace.h5";
inline constexpr const char* kRowsFile = "trace.rows";

}  // namespace talweg::io
