// SPDX-License-Identifier: Apache-2.0
// What makes an update rule or a method known by name. Talweg's own entries are the lines of src/optim/catalogue.def; a program
// that embeds Talweg gives its own to train::TrainOptions::methods.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "talweg/config.hpp"

namespace talweg::optim {

class UpdateRule;  // talweg/rule.hpp
class Method;      // talweg/method.hpp
class Estimator;   // Talweg's own alone

/// How steps of one dialect are written in another.
struct DialectMap {
  std::string_view from;  // "", as `to`: between any two
  std::string_view to;
  std::string_view map;     // the formula; or why there is none
  std::string_view keys{};  // of `to`, TOML lines: with them it makes the steps of `from` as that comes. "": no constants do
};

/// One entry. Exactly one of the three makers is set; it reads (and so declares) its hyperparameters from [method]. Slots,
/// needs, grain and countable cost are those of what it makes. An entry from outside needs a name and a maker; the rest is for
/// `talweg methods`.
struct Entry {
  std::string_view name{};       // "adam"
  std::string_view title{};      // "Adam: adaptive moment estimation"
  std::string_view rule{};       // the recurrence, dialects and deviations: printed by `talweg methods NAME`
  std::string_view source{};     // paper, authors, year; kernel where a dialect follows one
  std::string_view cost{};       // oracle calls per step, in words and symbols: "b gradients"
  std::string_view guarantee{};  // assumptions and rate, as the source states them and as later results correct it
  std::span<const std::string_view> dialects{};  // names of [method] dialect, the default first
  // Between any two dialects, in one direction at least.
  std::span<const DialectMap> maps{};
  std::unique_ptr<UpdateRule> (*make_rule)(const base::Section&) = nullptr;
  std::unique_ptr<Estimator> (*make_estimator)(const base::Section&) = nullptr;
  std::unique_ptr<Method> (*make_method)(const base::Section&) = nullptr;
};

/// The text of a raw string literal, without the newlines after its R"( and before its )".
constexpr std::string_view text_of(std::string_view raw) { return raw.substr(1, raw.size() - 2); }

/// Entry::make_rule and so on of a class that is constructed from its section.
template <class Made, class Base>
std::unique_ptr<Base> make(const base::Section& section) {
  return std::make_unique<Made>(section);
}

}  // namespace talweg::optim
