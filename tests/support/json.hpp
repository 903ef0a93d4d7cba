// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace talweg::test {

/// Parses the output of a program; a discarded value if it is no JSON. In a source file of its own, because nlohmann/json takes
/// seconds to compile.
nlohmann::json parse_json(const std::string& text);

}  // namespace talweg::test
