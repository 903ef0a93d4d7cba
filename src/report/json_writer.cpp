// SPDX-License-Identifier: Apache-2.0
#include "report/json_writer.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace talweg::report {
namespace {

/// The library escapes strings and prints numbers: what programs have read so far stays the same, digit by digit.
std::string text_of(const nlohmann::json& scalar) {
  return scalar.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

JsonWriter& JsonWriter::value(double number) { return scalar(text_of(number)); }
JsonWriter& JsonWriter::value(std::string_view text) { return scalar(text_of(text)); }

JsonWriter& JsonWriter::key(std::string_view name) {
  begin_item();
  text_ += text_of(name) + ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::open(char opening, char closing) {
  begin_item();
  text_ += opening;
  closing_ += closing;
  empty_ = true;
  return *this;
}

JsonWriter& JsonWriter::end() {
  if (closing_.empty()) throw std::logic_error("JsonWriter: nothing is open");
  const char closing = closing_.back();
  closing_.pop_back();
  if (!empty_) new_line();
  text_ += closing;
  empty_ = false;
  return *this;
}

JsonWriter& JsonWriter::scalar(std::string_view text) {
  begin_item();
  text_ += text;
  return *this;
}

JsonWriter& JsonWriter::json(std::string_view text) {
  begin_item();
  for (const char c : text) {
    if (c == '\n') {
      new_line();
    } else {
      text_ += c;
    }
  }
  return *this;
}

std::string JsonWriter::text() const {
  if (!closing_.empty()) throw std::logic_error("JsonWriter: an object or array is not closed");
  return text_ + "\n";
}

void JsonWriter::begin_item() {
  if (!after_key_ && !closing_.empty()) {
    if (!empty_) text_ += ',';
    new_line();
  }
  after_key_ = false;
  empty_ = false;
}

void JsonWriter::new_line() {
  text_ += '\n';
  text_.append(2 * closing_.size(), ' ');
}

}  // namespace talweg::report
