// SPDX-License-Identifier: Apache-2.0
// Attributes of a group or data set: integers, numbers and text.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "h5/handle.hpp"

namespace talweg::h5 {

using AttributeValue = std::variant<std::int64_t, double, std::string>;

/// A view of one object's attributes; the object must stay open. Text is stored with fixed length, UTF-8.
class Attributes {
 public:
  Attributes(std::int64_t object, Location location) : object_(object), location_(std::move(location)) {}

  /// Creates an attribute; a name that is taken is an Error(internal).
  void set(const std::string& name, const AttributeValue& value);

  [[nodiscard]] std::vector<std::string> names() const;  // in order of creation where the object tracks it
  [[nodiscard]] bool has(const std::string& name) const;
  /// A missing attribute, or one that is not a scalar integer, number or text: Error(bad_data) naming file, object and
  /// attribute.
  [[nodiscard]] AttributeValue get(const std::string& name) const;
  [[nodiscard]] std::int64_t integer(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name) const;  // integers too
  [[nodiscard]] std::string text(const std::string& name) const;

 private:
  std::int64_t object_;
  Location location_;
};

}  // namespace talweg::h5
