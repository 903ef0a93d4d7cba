// SPDX-License-Identifier: Apache-2.0
// Commented configs to start from.
#pragma once

#include <span>
#include <string_view>

namespace talweg::control {

struct ConfigTemplate {
  std::string_view task;
  std::string_view summary;
  std::string_view text;  // TOML
};

std::span<const ConfigTemplate> config_templates();

}  // namespace talweg::control
