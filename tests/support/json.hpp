// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace talweg::test {

/// What a program has printed; a discarded value when that is no JSON. Compiled once: parsing takes the compiler seconds.
nlohmann::json parse_json(const std::string& text);

}  // namespace talweg::test
