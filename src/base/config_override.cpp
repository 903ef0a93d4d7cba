// SPDX-License-Identifier: Apache-2.0
// "section.key=value" from the command line; "section.key=" removes the key.
#include <algorithm>
#include <optional>

#include "base/config_tree.hpp"
#include "talweg/error.hpp"

namespace talweg::base {
namespace {

constexpr const char* kForm = "section.key=value";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split_keys(std::string_view keys, std::string_view assignment) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= keys.size();) {
    const std::size_t end = std::min(keys.find('.', begin), keys.size());
    const std::string_view part = trimmed(keys.substr(begin, end - begin));
    if (!is_bare_key(part)) {
      fail(ExitCode::usage, "--set '{}': found the key '{}', expected {} with names of A-Z a-z 0-9 _ -", assignment, part,
           kForm);
    }
    parts.emplace_back(part);
    begin = end + 1;
  }
  if (parts.size() < 2) fail(ExitCode::usage, "--set '{}': found no section, expected {}", assignment, kForm);
  return parts;
}

/// The value when `text` is one TOML value and nothing else.
std::optional<Node> toml_value(std::string_view text) {
  static constexpr std::string_view kKey = "v = ";
  try {
    Table parsed = parse_toml(std::string(kKey) + std::string(text) + "\n", "--set");
    // "5#a" would parse as 5 and a comment, "5\nw=6" as two values: neither is what was typed.
    const bool whole = parsed.entries.size() == 1 && text.find('\n') == std::string_view::npos &&
                       (text.find('#') == std::string_view::npos || text.find_first_of("\"'[{") == 0);
    if (whole) return std::move(parsed.entries.front().node);
  } catch (const Error&) {  // not TOML: a bare word, unless it looks like a mistake
  }
  return std::nullopt;
}

Node value_of(std::string_view text, std::string_view assignment) {
  if (auto value = toml_value(text)) return *std::move(value);
  const bool control = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (control || text.find_first_of("\"'[{") == 0) {
    fail(ExitCode::usage, "--set '{}': found {}, expected a TOML value or a bare word", assignment, to_toml(std::string(text)));
  }
  return {.position = {}, .value = std::string(text)};
}

/// Values of an override have no line of their own.
void set_place(Node& node) {
  node.position = {.name = "--set"};
  if (auto* list = std::get_if<Node::List>(&node.value)) {
    for (Node& item : *list) set_place(item);
  } else if (auto* table = std::get_if<Table>(&node.value)) {
    for (Entry& entry : table->entries) {
      entry.position = node.position;
      set_place(entry.node);
    }
  }
}

}  // namespace

std::optional<Unset> apply_override(Table& root, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) fail(ExitCode::usage, "--set '{}': found no '=', expected {}", assignment, kForm);
  const std::vector<std::string> keys = split_keys(assignment.substr(0, equals), assignment);
  const std::string_view text = trimmed(assignment.substr(equals + 1));
  const bool unset = text.empty();
  Node value = unset ? Node{} : value_of(text, assignment);
  set_place(value);

  Table* table = &root;
  std::string path;
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    path += (path.empty() ? "" : ".") + keys[i];
    if (table == nullptr) continue;  // there is no such key to remove
    Entry* entry = table->find(keys[i]);
    if (entry == nullptr && unset) {
      table = nullptr;
      continue;
    }
    if (entry == nullptr) {
      entry = &table->entries.emplace_back(Entry{keys[i], value.position, {.position = value.position, .value = Table{}}});
    }
    table = std::get_if<Table>(&entry->node.value);
    if (table == nullptr) {
      fail(ExitCode::usage, "--set '{}': {} is {} ({}), expected a table", assignment, path, entry->node.shown(),
           entry->node.position.text());
    }
  }
  if (table == nullptr) return Unset{path, keys.back()};
  // An overridden key moves to the end: file order first, then the order of the command line.
  const std::size_t erased = std::erase_if(table->entries, [&](const Entry& e) { return e.key == keys.back(); });
  if (unset) return erased > 0 ? std::nullopt : std::optional(Unset{path, keys.back()});
  table->entries.push_back({keys.back(), value.position, std::move(value)});
  return std::nullopt;
}

}  // namespace talweg::base
