// SPDX-License-Identifier: Apache-2.0
// What a Config remembers while it is being read.
#pragma once

#include <map>

#include "base/config_tree.hpp"
#include "talweg/config.hpp"
#include "talweg/error.hpp"

namespace talweg::base {

struct Config::ReadLog {
  /// A table that was opened: its content in the file, and the keys that were read from it.
  struct Opened {
    const Entry* entry = nullptr;  // nothing when the file has no such table, or for the root
    const Table* table = nullptr;
    std::vector<std::string> asked;  // keys and tables, in order of asking
  };

  std::string name;
  std::filesystem::path folder;
  Table root;
  std::vector<Resolved> resolved;
  std::map<std::string, Opened, std::less<>> opened;  // by dotted path, "" for the root
  std::vector<std::string> order;                     // of opening
  std::map<std::string, double, std::less<>> stands;  // the numbers of keys whose value is a text ("1/L"), by dotted key
  std::vector<Unset> unset;                           // keys that overrides have removed
  bool listing = false;                               // see Config::list_required

  [[nodiscard]] Opened& at(std::string_view path) { return opened.find(path)->second; }
  [[nodiscard]] const Entry* find(std::string_view path, std::string_view key);
  /// Opens a table inside `path`, present or not, and returns its dotted path.
  std::string open(const std::string& path, std::string_view key);

  [[nodiscard]] std::string where(std::string_view path, std::string_view key);
  [[noreturn]] static void refuse(std::string_view where, std::string_view path, std::string_view key, std::string_view found,
                                  std::string_view expected);

  /// Records that `key` was read as `value`. A second reading must agree with the first.
  void declare(const std::string& path, std::string_view key, std::string value, std::string_view meaning,
               std::vector<std::string> choices = {});

  void reject_unread(const Elsewhere& elsewhere) const;

 private:
  void ask(std::string_view path, std::string_view key);
};

/// "method.lr", or "lr" at the root.
std::string dotted(std::string_view path, std::string_view key);

}  // namespace talweg::base
