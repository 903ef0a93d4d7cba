// SPDX-License-Identifier: Apache-2.0
// The mark of a step: a hash by which a resumed run and `verify` recognise the row that a checkpoint was written with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/trace_reader.hpp"
#include "io/trace_record.hpp"

namespace talweg::io {

/// A hash of the columns that do not depend on time, resumes and evaluations. Checkpoints store it.
std::int64_t mark_of(const StepRow& row);

/// mark_of() the row at `index`. Error(bad_data) if the trace lacks a column.
std::int64_t mark_of(const Trace& trace, std::size_t index);

}  // namespace talweg::io
