// SPDX-License-Identifier: Apache-2.0
// What a subcommand takes. CLI11 does the work, in arguments.cpp and cli.cpp alone: a file that includes it is five seconds of
// the compiler's time.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class Option;
}  // namespace CLI

namespace talweg::control {

/// One of them; what else must hold of it.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}
  Argument& required();
  Argument& within(int low, int high);
  Argument& one_of(const std::vector<std::string>& values);
  /// `fault` of the text: "", or what was found and what was expected.
  Argument& check(const std::function<std::string(const std::string& text)>& fault);
  /// Of a list: may be given again and again, each time with one value.
  Argument& repeated();
  /// Of a list: so many values at once.
  Argument& takes(int values);
  Argument& needs(const Argument& other);

 private:
  CLI::Option* option_;
};

/// The arguments of one subcommand. What they are read into must outlive the parsing.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}
  /// "--name", "-n,--name", or without a dash a positional one.
  Argument add(const std::string& name, std::string& to, const std::string& help);
  Argument add(const std::string& name, std::vector<std::string>& to, const std::string& help);
  Argument add(const std::string& name, int& to, const std::string& help);
  Argument add(const std::string& name, double& to, const std::string& help);
  void flag(const std::string& name, bool& to, const std::string& help);
  /// Under --help, after the options.
  void footer(const std::string& text);

 private:
  CLI::App& app_;
};

/// For Argument::check: "" when the text is a finite number above 0.
std::string more_than_zero(const std::string& text);

}  // namespace talweg::control
