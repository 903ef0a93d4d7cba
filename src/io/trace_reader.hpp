// SPDX-License-Identifier: Apache-2.0
// What the two files of a trace are called, and what trace.h5 says about itself.
#pragma once

#include <cstdint>
#include <string>

#include "h5/group.hpp"
#include "io/trace.hpp"

namespace talweg::io {

/// The generation of a trace.h5, of which this is the root; Error(bad_data) naming `file` if it is none, or too new.
std::int64_t expect_trace(const h5::Group& root, const std::string& file);

/// What the run has said about itself.
TraceAttributes attributes_of(const h5::Group& root);

inline constexpr const char* kTraceFile = "trace.h5";
inline constexpr const char* kRowsFile = "trace.rows";

}  // namespace talweg::io
