// SPDX-License-Identifier: Apache-2.0
// A config as a tree of our own, so that the TOML library is seen by one source file only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace talweg::base {

/// Where a key or value was written.
struct Position {
  std::string name;  // file, or "--set"; line is 0 where there are no lines
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  [[nodiscard]] std::string text() const;  // "run.toml:12:3", "--set"
};

/// A date or time: no getter reads it, errors show it.
struct Moment {
  std::string text;
};

struct Entry;

struct Table {
  std::vector<Entry> entries;
  [[nodiscard]] const Entry* find(std::string_view key) const;
  [[nodiscard]] Entry* find(std::string_view key);
};

struct Node {
  using List = std::vector<Node>;
  Position position;
  std::variant<std::string, std::int64_t, double, bool, Moment, List, Table> value;

  /// 's'tring, 'i'nteger, 'f'loat, 'b'ool, 'd'ate or time, 'a'rray, 't'able.
  [[nodiscard]] char kind() const;
  /// The value as people should see it in an error: TOML, shortened; "a table" for tables.
  [[nodiscard]] std::string shown() const;
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&value);
  }
};

/// A key of a table, with the position of the key itself.
struct Entry {
  std::string key;
  Position position;
  Node node;
};

/// Parses a TOML document. Throws Error(bad_config) "name:line:column: what the parser says".
Table parse_toml(std::string_view text, const std::string& name);

/// A key that an override removes but the file does not have: a mistake, unless some reader asks for this key.
struct Unset {
  std::string path;  // dotted, of its table
  std::string key;
};

/// Applies one "section.key=value". Without a value the key is removed, or returned when the file does not have it. Throws
/// Error(usage) when it cannot be understood.
std::optional<Unset> apply_override(Table& root, std::string_view assignment);

std::string to_toml(const std::string& v);
std::string to_toml(std::int64_t v);
std::string to_toml(double v);  // shortest text that reads back as the same double
std::string to_toml(bool v);
template <class T>
std::string to_toml(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& v : values) text += (text.size() > 1 ? ", " : "") + to_toml(v);
  return text + "]";
}
/// A key of a table header or assignment: quoted unless it is made of A-Z a-z 0-9 _ - only.
std::string toml_key(std::string_view key);
[[nodiscard]] bool is_bare_key(std::string_view key);

}  // namespace talweg::base
