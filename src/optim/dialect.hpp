// SPDX-License-Identifier: Apache-2.0
// Where the sources of a rule differ, [method] dialect chooses one of them, with its form and its defaults:
//   constexpr Dialect<Defaults> kDialects[] = {{"torch", {.lr = 0.001}}, {"tf1", {.lr = 0.001}}};   // the first is the default
//   Defaults dialect = choose(method, kDialects).values;   // a member of the rule, before those whose defaults depend on it
//   .dialects = dialect_names<kDialects>,                  // in the entry
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "talweg/config.hpp"

namespace talweg::optim {

template <class Values>
struct Dialect {
  std::string_view name;
  Values values;
};

template <const auto& Table>
inline constexpr auto dialect_names = [] {
  std::array<std::string_view, std::size(Table)> names;
  for (std::size_t k = 0; k < names.size(); ++k) names[k] = Table[k].name;
  return names;
}();

/// The dialect that [method] names.
template <class Values, std::size_t N>
const Dialect<Values>& choose(const base::Section& method, const Dialect<Values> (&table)[N]) {
  std::array<std::string_view, N> names;
  for (std::size_t k = 0; k < N; ++k) names[k] = table[k].name;
  const std::string name = method.choice("dialect", std::string(names[0]), names, "whose form, and whose defaults");
  for (const Dialect<Values>& dialect : table) {
    if (dialect.name == name) return dialect;
  }
  return table[0];
}

}  // namespace talweg::optim
