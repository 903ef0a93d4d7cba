// SPDX-License-Identifier: Apache-2.0
#include "report/stored_summary.hpp"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "talweg/config.hpp"
#include "talweg/error.hpp"

namespace talweg::report {

SummaryFacts read_facts(const std::filesystem::path& summary) {
  SummaryFacts facts;
  std::ifstream in(summary);
  const auto json = nlohmann::json::parse(in, nullptr, false);
  if (!json.is_object()) return facts;
  const auto number = [](const nlohmann::json& from, const char* key) {
    return from.contains(key) && from[key].is_number_integer() ? from[key].get<std::int64_t>() : std::int64_t{-1};
  };
  const auto files = json.value("files", nlohmann::json::object());
  facts.code = number(json.value("ending", nlohmann::json::object()), "code");
  facts.step = number(json, "step");
  facts.last_checkpoint = number(files, "last_checkpoint");
  facts.best = number(files, "best");
  return facts;
}

StoredSummary read_summary(const std::filesystem::path& file) {
  const auto json = nlohmann::ordered_json::parse(base::read_text(file), nullptr, false);
  if (!json.is_object()) {
    base::fail(base::ExitCode::bad_data,
               "{}: damaged: found no JSON object, expected a run's summary; the run does not need it: without this file show "
               "tells the trace and the checkpoints, and the run's train command writes it again",
               file.string());
  }
  StoredSummary summary{.entries = {}, .json = json.dump(2)};
  const auto flat = json.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    summary.entries.emplace(pointer, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return summary;
}

std::string StoredSummary::text(std::string_view pointer) const {
  const auto found = entries.find(pointer);
  return found != entries.end() ? found->second : "";
}

double StoredSummary::number(std::string_view pointer) const {
  const auto found = entries.find(pointer);
  return found != entries.end() ? std::strtod(found->second.c_str(), nullptr) : 0;
}

bool StoredSummary::has(std::string_view pointer) const {
  const std::string inside = std::string(pointer) + "/";
  const auto first = entries.lower_bound(inside);
  return first != entries.end() && first->first.starts_with(inside);
}

bool is_json(const std::string& text) { return nlohmann::json::accept(text); }

}  // namespace talweg::report
