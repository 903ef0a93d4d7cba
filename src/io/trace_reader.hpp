// SPDX-License-Identifier: Apache-2.0
// What trace.h5 says about itself.
#pragma once

#include <cstdint>
#include <string>

#include "h5/group.hpp"
#include "io/run_directory.hpp"
#include "io/trace.hpp"

namespace talweg::io {

/// The generation of a trace.h5, of which this is the root; Error(bad_data) naming `file` if it is none, or too new.
std::int64_t expect_trace(const h5::Group& root, const std::string& file);

/// What the run has said about itself.
TraceAttributes attributes_of(const h5::Group& root);

}  // namespace talweg::io
