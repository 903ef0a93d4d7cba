// SPDX-License-Identifier: Apache-2.0
// The catalogue. src/optim/catalogue.def has one line per entry; that line is all a new file needs.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "optim/estimator.hpp"
#include "optim/needs.hpp"
#include "optim/schedule.hpp"
#include "talweg/config.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {

/// How steps of one dialect are written in another.
struct DialectMap {
  std::string_view from;  // "", as `to`: between any two
  std::string_view to;
  std::string_view map;     // the formula; or why there is none
  std::string_view keys{};  // of `to`, TOML lines: with them it makes the steps of `from` as that comes. "": no constants do
};

/// One entry. Exactly one of the three makers is set; it reads (and so declares) its hyperparameters from [method]. Slots,
/// needs, grain and countable cost are those of what it makes.
struct Entry {
  std::string_view name;       // "adam"
  std::string_view title;      // "Adam: adaptive moment estimation"
  std::string_view rule;       // the recurrence, dialects and deviations: printed by `talweg methods NAME`
  std::string_view source;     // paper, authors, year; kernel where a dialect follows one
  std::string_view cost;       // oracle calls per step, in words and symbols: "b gradients"
  std::string_view guarantee;  // assumptions and rate, as the source states them and as later results correct it
  std::span<const std::string_view> dialects{};  // names of [method] dialect, the default first
  // Between any two dialects, in one direction at least.
  std::span<const DialectMap> maps{};
  std::unique_ptr<UpdateRule> (*make_rule)(const base::Section&) = nullptr;
  std::unique_ptr<Estimator> (*make_estimator)(const base::Section&) = nullptr;
  std::unique_ptr<Method> (*make_method)(const base::Section&) = nullptr;
};

/// Entry::make_rule and so on of a class that is constructed from its section.
template <class Made, class Base>
std::unique_ptr<Base> make(const base::Section& section) {
  return std::make_unique<Made>(section);
}

std::span<const Entry* const> catalogue();
/// Throws Error(bad_config) listing the names and the nearest.
const Entry& find_entry(std::string_view name);

/// [method] -> the method. A rule's name gives FirstOrder(minibatch, rule); an estimator's name gives FirstOrder(estimator,
/// [method].rule, default "sgd"); both read what stands around the rule (clipping, decoupled weight decay).
std::unique_ptr<Method> build_method(const base::Section& method);

/// Refuses a method whose needs the run does not meet: Error(bad_config) with the reason, and with the names that fit.
void check_needs(const base::Section& method, const Method&, const Offer&);

}  // namespace talweg::optim
