// SPDX-License-Identifier: Apache-2.0
#include "base/config_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace talweg::base {
namespace {

constexpr std::size_t kLongestShown = 60;

std::string shown_in_full(const Node& node) {
  if (const auto* v = node.as<std::string>()) return to_toml(*v);
  if (const auto* v = node.as<std::int64_t>()) return to_toml(*v);
  if (const auto* v = node.as<double>()) return to_toml(*v);
  if (const auto* v = node.as<bool>()) return to_toml(*v);
  if (const auto* v = node.as<Moment>()) return v->text;
  if (const auto* v = node.as<Node::List>()) {
    std::string text = "[";
    for (const Node& item : *v) text += (text.size() > 1 ? ", " : "") + shown_in_full(item);
    return text + "]";
  }
  return "a table";
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u; }

}  // namespace

std::string Position::text() const { return line == 0 ? name : fmt::format("{}:{}:{}", name, line, column); }

const Entry* Table::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

Entry* Table::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

char Node::kind() const { return "sifbdat"[value.index()]; }

std::string Node::shown() const {
  std::string text = shown_in_full(*this);
  if (text.size() <= kLongestShown) return text;
  std::size_t end = kLongestShown;
  while (end > 0 && continues_character(text[end])) --end;  // do not cut a UTF-8 character
  return text.substr(0, end) + "...";
}

std::string to_toml(const std::string& v) {
  std::string text = "\"";
  for (const char c : v) {
    switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\b':
        text += "\\b";
        break;
      case '\t':
        text += "\\t";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\f':
        text += "\\f";
        break;
      case '\r':
        text += "\\r";
        break;
      default:
        if (const auto code = static_cast<unsigned char>(c); code < 0x20 || code == 0x7f) {
          text += fmt::format("\\u{:04X}", code);
        } else {
          text += c;
        }
    }
  }
  return text + '"';
}

std::string to_toml(std::int64_t v) { return fmt::format("{}", v); }

std::string to_toml(double v) {
  std::string text = fmt::format("{}", v);
  if (std::isfinite(v) && text.find_first_of(".e") == std::string::npos) text += ".0";  // else it would read as an integer
  return text;
}

std::string to_toml(bool v) { return v ? "true" : "false"; }

bool is_bare_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

std::string toml_key(std::string_view key) { return is_bare_key(key) ? std::string(key) : to_toml(std::string(key)); }

}  // namespace talweg::base
