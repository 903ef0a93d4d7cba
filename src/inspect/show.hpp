// SPDX-License-Identifier: Apache-2.0
// A run, a checkpoint or a trace, for people (text) and for programs (JSON).
#pragma once

#include <filesystem>
#include <string>

#include "io/checkpoint.hpp"
#include "io/trace_reader.hpp"
#include "report/json_writer.hpp"

namespace talweg::inspect {

/// Whatever is at `path`.
std::string show_text(const std::string& path);
std::string show_json(const std::string& path);

/// Summary, last evaluations, last events, names of checkpoints. Checkpoints are not read: that is what verify is for.
std::string run_text(const std::filesystem::path& run);
std::string checkpoint_text(const std::string& file, const io::Checkpoint& checkpoint);
std::string trace_text(const std::string& file, const io::Trace& trace);
/// The last `count` evaluations as a table.
std::string evaluations_text(const io::Trace& trace, std::size_t count);

void write_run(report::JsonWriter& json, const std::filesystem::path& run);
void write_checkpoint(report::JsonWriter& json, const std::string& file, const io::Checkpoint& checkpoint);
void write_trace(report::JsonWriter& json, const std::string& file, const io::Trace& trace);

}  // namespace talweg::inspect
