// SPDX-License-Identifier: Apache-2.0
// Options and arguments of a subcommand. CLI11 does the work; only arguments.cpp and cli.cpp include it, since it costs the
// compiler five seconds a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class Option;
}  // namespace CLI

namespace talweg::control {

/// One argument, and the conditions on it.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}
  Argument& required();
  Argument& within(int low, int high);
  Argument& one_of(const std::vector<std::string>& values);
  /// `fault` returns "" for a good text, else what was found and what was expected.
  Argument& check(const std::function<std::string(const std::string& text)>& fault);
  /// For a list: may be repeated, each time with one value.
  Argument& repeated();
  /// For a list: takes this many values at once.
  Argument& takes(int values);
  Argument& needs(const Argument& other);

 private:
  CLI::Option* option_;
};

/// The arguments of one subcommand. The variables they are read into must outlive parsing.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}
  /// "--name", "-n,--name", or "name" for a positional argument.
  Argument add(const std::string& name, std::string& to, const std::string& help);
  Argument add(const std::string& name, std::vector<std::string>& to, const std::string& help);
  Argument add(const std::string& name, int& to, const std::string& help);
  Argument add(const std::string& name, double& to, const std::string& help);
  void flag(const std::string& name, bool& to, const std::string& help);
  /// --set section.key=value, repeated.
  void overrides(std::vector<std::string>& to);
  /// Text at the end of --help.
  void footer(const std::string& text);

 private:
  CLI::App& app_;
};

/// For Argument::check: "" when the text is a finite number above 0.
std::string more_than_zero(const std::string& text);

}  // namespace talweg::control
