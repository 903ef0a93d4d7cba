// SPDX-License-Identifier: Apache-2.0
// JSON as text. Here alone: every file that writes or parses it would compile the whole of that anew.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace talweg::train {

/// Indented, with a newline at its end.
std::string json_text(const nlohmann::ordered_json& json);

/// What `file` holds; a discarded value when that is no JSON. Errors of base::read_text.
nlohmann::ordered_json read_json(const std::filesystem::path& file);

}  // namespace talweg::train
