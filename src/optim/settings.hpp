// SPDX-License-Identifier: Apache-2.0
// Which settings of [method] make it read further keys: average = "exponential" reads average_decay.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "optim/registry.hpp"
#include "talweg/config.hpp"

namespace talweg::optim {

/// Settings that might make further keys be read, "key = value": the other names of a choice, the other value of a flag, and 1
/// where 0 turns something off.
std::vector<std::string> other_settings(const base::Resolved& key);

/// The first such setting, of these keys as they were resolved, with which [method] reads `key` too; empty: none.
std::string setting_that_reads(std::span<const base::Resolved> resolved, std::string_view key, Catalogue entries = catalogue());

}  // namespace talweg::optim
