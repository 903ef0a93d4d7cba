// SPDX-License-Identifier: Apache-2.0
#include "train/config_change.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace talweg::train {
namespace {

struct Row {
  std::string_view prefix;  // of "section.key"; the first row that fits decides
  ChangeKind kind;
};

constexpr std::array kTable = {
    Row{"run.epochs", ChangeKind::logged},
    Row{"run.steps", ChangeKind::logged},
    Row{"run.placement", ChangeKind::free},
    Row{"run.nonfinite", ChangeKind::logged},
    Row{"run.deadline", ChangeKind::free},
    Row{"run.", ChangeKind::refused},
    Row{"method.name", ChangeKind::refused},
    Row{"method.rule", ChangeKind::refused},
    Row{"method.dialect", ChangeKind::refused},
    Row{"method.memory", ChangeKind::refused},
    Row{"method.window", ChangeKind::refused},
    Row{"method.workers", ChangeKind::refused},
    Row{"method.candidates", ChangeKind::refused},
    Row{"method.iterations", ChangeKind::refused},
    Row{"method.snapshot_", ChangeKind::logged},
    Row{"method.snapshot", ChangeKind::refused},
    Row{"method.average_", ChangeKind::logged},
    Row{"method.average", ChangeKind::refused},
    Row{"method.form", ChangeKind::refused},
    Row{"method.lookahead_", ChangeKind::logged},
    Row{"method.lookahead", ChangeKind::refused},
    Row{"method.accumulate", ChangeKind::refused},
    Row{"method.", ChangeKind::logged},
    Row{"schedule.", ChangeKind::logged},
    Row{"stop.", ChangeKind::logged},
    Row{"trace.", ChangeKind::free},
    Row{"checkpoint.", ChangeKind::free},
    Row{"data.train.path", ChangeKind::free},
    Row{"data.train.labels", ChangeKind::free},
    Row{"data.valid.path", ChangeKind::free},
    Row{"data.valid.labels", ChangeKind::free},
    Row{"data.test.path", ChangeKind::free},
    Row{"data.test.labels", ChangeKind::free},
    Row{"data.train", ChangeKind::refused},
    Row{"init.path", ChangeKind::free},
};

std::map<std::string, std::string> values_of(const base::Config& config) {
  std::map<std::string, std::string> values;
  for (const base::Resolved& r : config.resolved()) values[r.section.empty() ? r.key : r.section + "." + r.key] = r.value;
  return values;
}

}  // namespace

ChangeKind change_kind(std::string_view key) {
  // A data set given as a plain string is a path.
  if (key == "data.train" || key == "data.valid" || key == "data.test") return ChangeKind::free;
  const auto row = std::ranges::find_if(kTable, [&](const Row& r) { return key.starts_with(r.prefix); });
  return row != kTable.end() ? row->kind : ChangeKind::refused;
}

std::vector<ConfigChange> config_changes(const base::Config& before, const base::Config& after) {
  const auto old_values = values_of(before);
  const auto new_values = values_of(after);
  std::vector<ConfigChange> changes;
  const auto compare = [&](const std::string& key) {
    const auto a = old_values.find(key);
    const auto b = new_values.find(key);
    const std::string was = a != old_values.end() ? a->second : "absent";
    const std::string now = b != new_values.end() ? b->second : "absent";
    if (was != now) changes.push_back({key, was, now, change_kind(key)});
  };
  for (const auto& [key, value] : old_values) compare(key);
  for (const auto& [key, value] : new_values) {
    if (!old_values.contains(key)) compare(key);
  }
  return changes;
}

}  // namespace talweg::train
