// SPDX-License-Identifier: Apache-2.0
// The kinds that [model] can name: each of losses, activations and models is a table of entries with names.
#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "model/build.hpp"
#include "talweg/error.hpp"

namespace talweg::model {

struct ModelEntry {
  std::string_view name;
  std::string_view description;
  /// Reads the keys of this kind from [model].
  void (*parse)(const base::Section& model, ModelConfig& config);
  std::unique_ptr<Objective<float>> (*make_float)(const ModelConfig&, const data::Shape&, std::size_t outputs);
  std::unique_ptr<Objective<double>> (*make_double)(const ModelConfig&, const data::Shape&, std::size_t outputs);
};
std::span<const ModelEntry> models();

template <class Entry>
std::vector<std::string_view> names_of(std::span<const Entry> entries) {
  std::vector<std::string_view> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  return names;
}

/// The entry of that name. After parse_model it always exists, but a program may fill ModelConfig itself.
template <class Entry>
const Entry& entry_named(std::span<const Entry> entries, std::string_view name, const char* key) {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  if (found == entries.end()) {
    base::fail(base::ExitCode::bad_config, "{}: found \"{}\", expected one of {}", key, name,
               fmt::join(names_of(entries), ", "));
  }
  return *found;
}

}  // namespace talweg::model
