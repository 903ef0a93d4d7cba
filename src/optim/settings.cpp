// SPDX-License-Identifier: Apache-2.0
#include "optim/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "talweg/error.hpp"

namespace talweg::optim {

std::vector<std::string> other_settings(const base::Resolved& key) {
  std::vector<std::string> settings;
  for (const std::string& name : key.choices) {
    if (const std::string value = fmt::format("\"{}\"", name); value != key.value) settings.push_back(value);
  }
  if (key.value == "false") settings.emplace_back("true");
  if (key.value == "true") settings.emplace_back("false");
  if (key.value == "0") settings.emplace_back("1");
  if (key.value == "0.0") settings.emplace_back("1.0");
  for (std::string& value : settings) value = fmt::format("{} = {}", key.key, value);
  return settings;
}

std::string setting_that_reads(std::span<const base::Resolved> resolved, std::string_view key, Catalogue entries) {
  const auto reads = [&](const std::string& lines) {
    const auto config = base::Config::parse("[method]\n" + lines, "setting");
    config.list_required();
    try {
      build_method(config.section("method"), entries);
    } catch (const base::Error&) {  // does not stand beside the others
      return false;
    }
    return std::ranges::any_of(config.resolved(), [&](const base::Resolved& r) { return r.key == key; });
  };
  for (const base::Resolved& changed : resolved) {
    if (changed.section != "method" || changed.key == "name") continue;
    std::string lines;
    for (const base::Resolved& r : resolved) {
      if (r.section == "method" && r.key != changed.key && r.origin != "default")
        lines += fmt::format("{} = {}\n", r.key, r.value);
    }
    for (const std::string& setting : other_settings(changed)) {
      if (reads(lines + setting + "\n")) return setting;
    }
  }
  return "";
}

}  // namespace talweg::optim
