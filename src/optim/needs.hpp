// SPDX-License-Identifier: Apache-2.0
// Everything that Talweg says about a need, in one table. What a run offers is known to the room above: see Offer.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "talweg/config.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {

struct NeedFacts {
  std::string_view name{};                          // in JSON
  std::string_view expected{};                      // what a refusal says was expected; {} is Needs::horizon()
  std::string_view takes{};                         // what the catalogue says of a method with this need; {} as above
  std::string_view otherwise{};                     // and of a method without it
  std::array<std::optional<Need>, 2> implied_by{};  // the catalogue says neither of a method with one of these
};
/// The row of the table.
NeedFacts facts_of(Need);

/// All needs, in the order in which a run is checked for them.
std::vector<Need> all_needs();

/// What a refusal says was expected, with the reasons.
std::string expected_by(const Needs&, Need);
/// What a method with these needs takes, as the catalogue says it.
std::vector<std::string> takes(const Needs&);

/// A key of the config that a refusal names, and what stands there.
struct Blamed {
  base::Section section;
  std::string key;
  std::string found;
};

/// A run's answer to one need.
struct Offered {
  bool met = true;
  std::optional<Blamed> key{};  // the key at fault where it is not met; none: the method's name is at fault
};

/// What a run offers, asked need by need. The second argument is for Need::horizon, which comes with a number.
using Offer = std::function<Offered(Need, const Needs&)>;

/// Whether a run that offers this meets all of these needs.
bool meets(const Offer&, const Needs&);

}  // namespace talweg::optim
