// SPDX-License-Identifier: Apache-2.0
// Writes JSON text piece by piece: indented by two spaces, keys in the order they are given.
#pragma once

#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::report {

/// Objects and arrays are opened, filled and closed with end(). Inside an object every value follows its key().
class JsonWriter {
 public:
  JsonWriter& object() { return open('{', '}'); }
  JsonWriter& array() { return open('[', ']'); }
  JsonWriter& object(std::string_view name) { return key(name).object(); }
  JsonWriter& array(std::string_view name) { return key(name).array(); }
  JsonWriter& end();

  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::nullptr_t) { return scalar("null"); }
  JsonWriter& value(bool b) { return scalar(b ? "true" : "false"); }
  JsonWriter& value(double number);          // null when it is not finite: JSON has no such number
  JsonWriter& value(std::string_view text);  // what is not UTF-8 (a path may be anything) becomes U+FFFD
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  template <std::integral Integer>
  JsonWriter& value(Integer number) {
    return scalar(std::to_string(number));
  }
  template <class T>
  JsonWriter& value(const std::optional<T>& v) {
    return v ? value(*v) : value(nullptr);
  }
  template <class T>
  JsonWriter& value(const std::vector<T>& all) {
    array();
    for (const T& v : all) value(v);
    return end();
  }
  template <class T>
  JsonWriter& value(const std::map<std::string, T>& all) {
    object();
    for (const auto& [name, v] : all) field(name, v);
    return end();
  }
  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  /// A value that already is JSON text, indented as this class does it.
  JsonWriter& json(std::string_view text);

  /// The whole document, with a newline at its end. std::logic_error while something is still open.
  [[nodiscard]] std::string text() const;

 private:
  JsonWriter& open(char opening, char closing);
  JsonWriter& scalar(std::string_view text);
  void begin_item();  // the comma, the new line and its indent, unless a key stands before the value
  void new_line();
  std::string text_;
  std::string closing_;  // brackets that are still to come, innermost last
  bool empty_ = true;    // nothing in the innermost object or array yet
  bool after_key_ = false;
};

}  // namespace talweg::report
