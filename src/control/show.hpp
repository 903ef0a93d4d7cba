// SPDX-License-Identifier: Apache-2.0
// A run, a checkpoint and a trace, each for people and for programs.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "io/checkpoint.hpp"
#include "io/trace_reader.hpp"

namespace talweg::control {

std::string checkpoint_text(const std::string& file, const io::Checkpoint& checkpoint);
nlohmann::ordered_json checkpoint_json(const std::string& file, const io::Checkpoint& checkpoint);

std::string trace_text(const std::string& file, const io::Trace& trace);
nlohmann::ordered_json trace_json(const std::string& file, const io::Trace& trace);
/// The last `count` evaluations as a table.
std::string evaluations_text(const io::Trace& trace, std::size_t count);

/// Summary, last evaluations, last events, checkpoints (by name: `talweg verify` reads them).
std::string run_text(const std::filesystem::path& run);
nlohmann::ordered_json run_json(const std::filesystem::path& run);

}  // namespace talweg::control
