// SPDX-License-Identifier: Apache-2.0
// The catalogue. src/optim/catalogue.def has one line per entry; that line is all a new file needs.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "optim/estimator.hpp"
#include "optim/needs.hpp"
#include "optim/schedule.hpp"
#include "talweg/config.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {

/// The entries that [method] may name.
using Catalogue = std::span<const Entry* const>;

/// Talweg's own.
Catalogue catalogue();
/// Talweg's own and these, which must outlive it. Throws Error(usage) where one has no name, the name of another, or not exactly
/// one maker.
std::vector<const Entry*> catalogue_with(std::span<const Entry> more);

/// Throws Error(bad_config) listing the names and the nearest.
const Entry& find_entry(std::string_view name, Catalogue = catalogue());

/// [method] -> the method. A rule's name gives FirstOrder(minibatch, rule); an estimator's name gives FirstOrder(estimator,
/// [method].rule, default "sgd"); both read what stands around the rule (clipping, decoupled weight decay).
std::unique_ptr<Method> build_method(const base::Section& method, Catalogue = catalogue());

/// Refuses a method whose needs the run does not meet: Error(bad_config) with the reason, and with the names that fit.
void check_needs(const base::Section& method, const Method&, const Offer&, Catalogue = catalogue());

}  // namespace talweg::optim
