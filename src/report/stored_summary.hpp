// SPDX-License-Identifier: Apache-2.0
// A summary.json read back. No other file parses JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace talweg::report {

/// What a summary.json says about the files of its run; -1 where it does not say, or cannot be read.
struct SummaryFacts {
  std::int64_t code = -1;
  std::int64_t step = -1;
  std::int64_t last_checkpoint = -1;  // its step
  std::int64_t best = -1;             // step of best.h5
};
SummaryFacts read_facts(const std::filesystem::path& summary);

/// All of a summary.json, whichever version of the program wrote it.
struct StoredSummary {
  std::map<std::string, std::string, std::less<>> entries;  // by JSON pointer, as text
  std::string json;                                         // the whole, indented, for JsonWriter::json()

  /// "/ending/reason": a text without its quotes; "" when there is none.
  [[nodiscard]] std::string text(std::string_view pointer) const;
  /// 0 when there is none.
  [[nodiscard]] double number(std::string_view pointer) const;
  /// Whether something is in the object at `pointer`.
  [[nodiscard]] bool has(std::string_view pointer) const;
};
/// Error(bad_data) when the file holds no JSON object.
StoredSummary read_summary(const std::filesystem::path& file);

bool is_json(const std::string& text);

}  // namespace talweg::report
