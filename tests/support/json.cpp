// SPDX-License-Identifier: Apache-2.0
#include "tests/support/json.hpp"

namespace talweg::test {

nlohmann::json parse_json(const std::string& text) { return nlohmann::json::parse(text, nullptr, false); }

}  // namespace talweg::test
