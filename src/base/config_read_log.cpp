// SPDX-License-Identifier: Apache-2.0
#include "base/config_read_log.hpp"

#include <algorithm>
#include <stdexcept>

namespace talweg::base {
namespace {

struct Unknown {
  const Entry* entry = nullptr;
  std::string path;
};

/// File order first, then the command line's.
bool earlier(const Position& a, const Position& b) {
  if ((a.line == 0) != (b.line == 0)) return b.line == 0;
  return std::pair(a.line, a.column) < std::pair(b.line, b.column);
}

std::string suggestion(const std::string& key, const std::vector<std::string>& asked) {
  if (const auto near = nearest(key, asked)) return fmt::format("did you mean '{}'?", *near);
  if (asked.empty()) return "nothing is read here";
  auto names = asked;
  std::ranges::sort(names);
  return fmt::format("known here: {}", fmt::join(names, ", "));
}

}  // namespace

std::string dotted(std::string_view path, std::string_view key) {
  return path.empty() ? toml_key(key) : fmt::format("{}.{}", path, toml_key(key));
}

const Entry* Config::ReadLog::find(std::string_view path, std::string_view key) {
  const Table* table = at(path).table;
  return table == nullptr ? nullptr : table->find(key);
}

void Config::ReadLog::ask(std::string_view path, std::string_view key) {
  auto& asked = at(path).asked;
  if (std::ranges::find(asked, key) == asked.end()) asked.emplace_back(key);
}

std::string Config::ReadLog::open(const std::string& path, std::string_view key) {
  std::string inner = dotted(path, key);
  ask(path, key);
  if (opened.contains(inner)) return inner;
  const Entry* entry = find(path, key);
  const Table* table = entry == nullptr ? nullptr : entry->node.as<Table>();
  if (entry != nullptr && table == nullptr) refuse(entry->node.position.text(), path, key, entry->node.shown(), "a table");
  opened.emplace(inner, Opened{.entry = entry, .table = table, .asked = {}});
  order.push_back(inner);
  return inner;
}

std::string Config::ReadLog::where(std::string_view path, std::string_view key) {
  if (const Entry* entry = find(path, key)) return entry->position.text();
  if (const Entry* table = at(path).entry) return table->position.text();
  return name;
}

void Config::ReadLog::refuse(std::string_view where, std::string_view path, std::string_view key, std::string_view found,
                             std::string_view expected) {
  fail(ExitCode::bad_config, "{}: {}: found {}, expected {}", where, dotted(path, key), found, expected);
}

void Config::ReadLog::declare(const std::string& path, std::string_view key, std::string value, std::string_view meaning,
                              std::vector<std::string> choices) {
  const auto before = std::ranges::find_if(resolved, [&](const Resolved& r) { return r.section == path && r.key == key; });
  if (before != resolved.end()) {
    if (before->value == value) return;
    throw std::logic_error(fmt::format("config key {} is read as {} and as {}", dotted(path, key), before->value, value));
  }
  ask(path, key);
  const Entry* entry = find(path, key);
  resolved.push_back({.section = path,
                      .key = std::string(key),
                      .value = std::move(value),
                      .origin = entry == nullptr ? "default" : entry->position.text(),
                      .meaning = std::string(meaning),
                      .choices = std::move(choices)});
}

void Config::ReadLog::reject_unread(const Elsewhere& elsewhere) const {
  Unknown first;
  for (const std::string& path : order) {
    const Opened& section = opened.find(path)->second;
    if (section.table == nullptr) continue;
    for (const Entry& entry : section.table->entries) {
      if (std::ranges::find(section.asked, entry.key) != section.asked.end()) continue;
      if (first.entry == nullptr || earlier(entry.position, first.entry->position)) first = {&entry, path};
    }
  }
  if (first.entry == nullptr) {
    for (const Unset& u : unset) {
      const auto section = opened.find(u.path);
      const std::string top = u.path.substr(0, u.path.find('.'));
      if (!opened.contains(top))
        fail(ExitCode::bad_config, "--set: {}: unknown table; {}", top, suggestion(top, opened.find("")->second.asked));
      if (section == opened.end()) continue;  // the file has no such table, so no such key
      if (std::ranges::find(section->second.asked, u.key) != section->second.asked.end()) continue;
      if (!nearest(u.key, section->second.asked)) continue;  // the key was to be absent, and is
      fail(ExitCode::bad_config, "--set: {}: unknown key; {}", dotted(u.path, u.key), suggestion(u.key, section->second.asked));
    }
    return;
  }
  if (const std::string with = elsewhere ? elsewhere(first.path, first.entry->key) : ""; !with.empty()) {
    fail(ExitCode::bad_config, "{}: {}: nothing reads it here, expected it together with {}", first.entry->position.text(),
         dotted(first.path, first.entry->key), with);
  }
  fail(ExitCode::bad_config, "{}: {}: unknown {}; {}", first.entry->position.text(), dotted(first.path, first.entry->key),
       first.entry->node.kind() == 't' ? "table" : "key", suggestion(first.entry->key, opened.find(first.path)->second.asked));
}

}  // namespace talweg::base
