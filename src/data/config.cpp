// SPDX-License-Identifier: Apache-2.0
// [data] of a config.
#include "data/format.hpp"
#include "data/transform.hpp"
#include "talweg/error.hpp"

namespace talweg::data {
namespace {

std::vector<std::string_view> format_choices() {
  std::vector<std::string_view> names;
  for (const Format* format : formats()) names.push_back(format->name);
  return names;
}

/// A part is a path, or a table with a path and how to read it.
Source parse_source(const base::Section& data, std::string_view part) {
  if (data.kind(part) != 't') {
    Source source{.path = data.path(part, std::nullopt, "file with examples"), .format = {}, .labels = {}};
    const Format* guessed = guess_format(source.path);
    if (guessed == nullptr)
      data.fail(part, '"' + source.path.string() + '"', "a name that tells its format, or a table {path, format}");
    source.format = guessed->name;
    return source;
  }
  const base::Section s = data.section(part);
  Source source{.path = s.path("path", std::nullopt, "file with examples"), .format = {}, .labels = {}};
  const Format* guessed = guess_format(source.path);
  const auto choices = format_choices();
  if (guessed == nullptr && s.kind("format") == 0) {
    s.fail("format", "nothing, and \"" + source.path.filename().string() + "\" does not suggest one",
           fmt::format("one of {}", fmt::join(choices, ", ")));
  }
  source.format = s.choice("format", guessed != nullptr ? std::optional(std::string(guessed->name)) : std::nullopt, choices,
                           "guessed from the name when absent");
  source.labels = s.path("labels", "", "idx, npy: the labels' file");
  constexpr std::string_view kColumn = "csv, npy: first, last, a header name or a 0-based index";
  source.label_column = s.kind("label_column") == 'i'
                            ? std::to_string(s.integer("label_column", std::nullopt, base::Range::non_negative(), kColumn))
                            : s.text("label_column", "last", kColumn);
  return source;
}

/// The labels' file of `path`, named after the pattern of like.path and like.labels: X_test.npy gives y_test.npy if X_train.npy
/// has y_train.npy. Nothing if the names have no such pattern, or there is no such file.
std::filesystem::path paired_labels(const std::filesystem::path& path, const Source& like) {
  const std::string rows = like.path.filename().string();
  const std::string labels = like.labels.filename().string();
  const std::size_t shorter = std::min(rows.size(), labels.size());
  std::size_t head = 0;
  while (head < shorter && rows[head] == labels[head]) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head && rows[rows.size() - 1 - tail] == labels[labels.size() - 1 - tail]) ++tail;
  const std::string differs = rows.substr(head, rows.size() - head - tail);
  std::string name = path.filename().string();
  const std::size_t at = differs.empty() ? std::string::npos : name.find(differs);
  if (labels.empty() || at == std::string::npos) return {};
  const auto pair = path.parent_path() / name.replace(at, differs.size(), labels, head, labels.size() - head - tail);
  std::error_code ignored;
  return std::filesystem::exists(pair, ignored) ? pair : std::filesystem::path();
}

}  // namespace

DataConfig parse_data(const base::Section& data) {
  DataConfig config;
  if (data.kind("train") == 0) data.fail("train", "nothing", "a file with training examples: train = {path = \"...\"}");
  config.train = parse_source(data, "train");
  if (data.kind("valid") != 0) config.valid = parse_source(data, "valid");
  if (data.kind("test") != 0) config.test = parse_source(data, "test");
  config.holdout =
      data.number("holdout", 0.0, base::Range::decay(), "fraction of the training examples held out for validation");
  if (config.valid && config.holdout > 0)
    data.fail("holdout", fmt::format("{} together with valid", config.holdout), "one of holdout and valid");
  config.split_seed = static_cast<std::uint64_t>(
      data.integer("split_seed", 1, base::Range::non_negative(), "of the holdout and of the shards"));
  config.transform = data.text("transform", "none", "none | minmax | standardize | divide:<number>");
  if (!known_transform(config.transform)) {
    data.fail("transform", '"' + config.transform + '"', "none, minmax, standardize or divide:<number>, as in divide:255");
  }
  return config;
}

Source source_from_path(const std::filesystem::path& path, const Source& like, const std::filesystem::path& labels) {
  Source source{.path = path, .format = like.format, .labels = labels, .label_column = like.label_column};
  if (const Format* guessed = guess_format(path); guessed != nullptr) source.format = guessed->name;
  if (labels.empty() && source.format == like.format) source.labels = paired_labels(path, like);
  return source;
}

}  // namespace talweg::data
