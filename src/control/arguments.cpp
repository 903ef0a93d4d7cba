// SPDX-License-Identifier: Apache-2.0
#include "control/arguments.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cmath>
#include <cstdlib>

namespace talweg::control {

Argument& Argument::required() {
  option_->required();
  return *this;
}

Argument& Argument::within(int low, int high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Argument& Argument::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

Argument& Argument::check(const std::function<std::string(const std::string&)>& fault) {
  option_->check(fault);
  return *this;
}

Argument& Argument::repeated() {
  option_->take_all()->expected(1);
  return *this;
}

Argument& Argument::takes(int values) {
  option_->expected(values);
  return *this;
}

Argument& Argument::needs(const Argument& other) {
  option_->needs(other.option_);
  return *this;
}

Argument Arguments::add(const std::string& name, std::string& to, const std::string& help) {
  return Argument(app_.add_option(name, to, help));
}

Argument Arguments::add(const std::string& name, std::vector<std::string>& to, const std::string& help) {
  return Argument(app_.add_option(name, to, help));
}

Argument Arguments::add(const std::string& name, int& to, const std::string& help) {
  return Argument(app_.add_option(name, to, help));
}

Argument Arguments::add(const std::string& name, double& to, const std::string& help) {
  return Argument(app_.add_option(name, to, help));
}

void Arguments::flag(const std::string& name, bool& to, const std::string& help) { app_.add_flag(name, to, help); }

void Arguments::overrides(std::vector<std::string>& to) {
  add("--set", to, "override a key: section.key=value; section.key= removes it").repeated();
}

void Arguments::footer(const std::string& text) { app_.footer(text); }

std::string more_than_zero(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool number = !text.empty() && end == text.c_str() + text.size();
  return number && value > 0 && std::isfinite(value) ? "" : fmt::format("found {}, expected a number above 0", text);
}

}  // namespace talweg::control
