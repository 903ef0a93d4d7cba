// SPDX-License-Identifier: Apache-2.0
#include "train/json.hpp"

#include "talweg/config.hpp"

namespace talweg::train {

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";  // a path may be no UTF-8
}

nlohmann::ordered_json read_json(const std::filesystem::path& file) {
  return nlohmann::ordered_json::parse(base::read_text(file), nullptr, false);
}

}  // namespace talweg::train
