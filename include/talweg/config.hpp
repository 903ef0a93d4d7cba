// SPDX-License-Identifier: Apache-2.0
// A TOML config that remembers where each value came from, which keys were read, and what each was resolved to. Reading a key
// declares it: its default, its allowed range and its one-line meaning. So the resolved config, `talweg check`, the list of a
// method's hyperparameters and the "nearest known name" of a misspelt key all come from the reading itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::base {

/// Allowed range of a number; open ends exclude the bound itself. Printed as "(0, 1]" in errors.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;
  bool open_high = false;
  bool infinite = false;  // an infinite bound is itself allowed
  [[nodiscard]] bool contains(double v) const {
    return (open_low ? v > low : v >= low) && (open_high ? v < high : v <= high);  // NaN is in no range
  }
  [[nodiscard]] std::string text() const;
  static Range positive() { return {.low = 0, .open_low = true}; }
  static Range non_negative() { return {.low = 0}; }
  static Range unit() { return {.low = 0, .high = 1}; }                      // [0, 1]
  static Range decay() { return {.low = 0, .high = 1, .open_high = true}; }  // [0, 1)
  static Range at_least(double v) { return {.low = v}; }
};

/// One key as it was resolved.
struct Resolved {
  std::string section;  // "method", "data.train"
  std::string key;
  std::string value;   // as TOML
  std::string origin;  // "run.toml:12:3", "--set", "default"
  std::string meaning;
  std::vector<std::string> choices{};  // of a choice: the names it allows
};

class Section;

/// A config file's text; Error(input_missing) when there is none, Error(permission) when it cannot be opened.
std::string read_text(const std::filesystem::path& file);

/// A parsed config file with its overrides. Copies share what they remember.
class Config {
 public:
  /// Each override is "section.key=value", the value in TOML (a bare word is taken as a string). Throws Error(bad_config)
  /// with name:line:column on a syntax error, Error(usage) on a malformed override. Relative paths are taken from `folder`.
  static Config parse(const std::string& text, std::string name, std::span<const std::string> overrides = {},
                      const std::filesystem::path& folder = {});
  /// Reads the file; Error(input_missing) when there is none, Error(permission) when it cannot be opened.
  static Config load(const std::filesystem::path& file, std::span<const std::string> overrides = {});

  /// For listings of keys: a missing required number no longer throws. A placeholder within its range is used, and resolved as
  /// "required".
  void list_required() const;

  /// Its name in error messages: the file, if it came from one.
  [[nodiscard]] const std::string& name() const;
  /// A top-level table; empty (all defaults) when the file has none.
  [[nodiscard]] Section section(std::string_view name) const;
  /// Throws Error(bad_config) for the first key (or table) that was never read, with file:line:column and the nearest known
  /// name. `elsewhere(table, key)` may say with which other setting that key would be read.
  using Elsewhere = std::function<std::string(std::string_view, std::string_view)>;
  void reject_unread(const Elsewhere& elsewhere = {}) const;
  /// Every key that was read, in order of reading.
  [[nodiscard]] std::vector<Resolved> resolved() const;
  /// The same as TOML that parses back to the same values.
  [[nodiscard]] std::string resolved_toml() const;

 private:
  friend class Section;
  struct ReadLog;
  explicit Config(std::shared_ptr<ReadLog> log) : log_(std::move(log)) {}
  std::shared_ptr<ReadLog> log_;
};

/// One table of the config. Each getter throws Error(bad_config) naming file:line:column, key, found and allowed.
class Section {
 public:
  double number(std::string_view key, std::optional<double> fallback, Range, std::string_view meaning) const;
  std::int64_t integer(std::string_view key, std::optional<std::int64_t> fallback, Range, std::string_view meaning) const;
  bool flag(std::string_view key, bool fallback, std::string_view meaning) const;
  std::string text(std::string_view key, const std::optional<std::string>& fallback, std::string_view meaning) const;
  /// One of the allowed names; the error lists them and the nearest.
  std::string choice(std::string_view key, const std::optional<std::string>& fallback,
                     std::span<const std::string_view> allowed, std::string_view meaning) const;
  std::string choice(std::string_view key, const std::optional<std::string>& fallback,
                     std::initializer_list<std::string_view> allowed, std::string_view meaning) const {
    return choice(key, fallback, std::span(allowed.begin(), allowed.size()), meaning);
  }
  /// A list of integers or numbers; `fallback` when absent.
  std::vector<std::int64_t> integers(std::string_view key, std::vector<std::int64_t> fallback, Range,
                                     std::string_view meaning) const;
  std::vector<double> numbers(std::string_view key, std::vector<double> fallback, Range, std::string_view meaning) const;
  /// A path, made absolute against the config's folder. Empty when absent and no fallback is given as "".
  std::filesystem::path path(std::string_view key, const std::optional<std::string>& fallback, std::string_view meaning) const;
  /// Allows a text in place of the number that number() will read: `read` converts it to that number, or returns nothing to
  /// refuse it (the error says `expected`). The resolved config keeps the text. Declares no key; false if the value is no text.
  bool stand_in(std::string_view key, const std::function<std::optional<double>(std::string_view)>& read,
                std::string_view expected) const;
  /// The kind of the value, for keys that accept several: 's'tring, 'i'nteger, 'f'loat, 'b'ool, 'a'rray, 't'able, 0 = absent.
  [[nodiscard]] char kind(std::string_view key) const;
  /// A table inside this one (absent: all defaults).
  [[nodiscard]] Section section(std::string_view key) const;
  /// "run.toml:12:3" of the key (or of the table when the key is absent), for errors found later.
  [[nodiscard]] std::string where(std::string_view key) const;
  /// Throws Error(bad_config): "<where>: <section>.<key>: found <found>, expected <expected>".
  [[noreturn]] void fail(std::string_view key, std::string_view found, std::string_view expected) const;

 private:
  friend class Config;
  Section(std::shared_ptr<Config::ReadLog> log, std::string path) : log_(std::move(log)), path_(std::move(path)) {}
  std::shared_ptr<Config::ReadLog> log_;
  std::string path_;  // dotted, "" for the root
};

/// The known name nearest to `name` by edit distance, or nothing when none is near.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> known);

}  // namespace talweg::base
