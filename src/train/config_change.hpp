// SPDX-License-Identifier: Apache-2.0
// What a resumed run may change, key by key.
//   refused   model, data, split, method name, precision, seed, batch, sampling, leaf, reduction, ...: they make another run
//   logged    hyperparameters, schedule, stops, epochs: an event in the trace
//   free      trace and checkpoint settings, placement, paths (the data's fingerprint is compared instead)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "talweg/config.hpp"

namespace talweg::train {

enum class ChangeKind { refused, logged, free };

struct ConfigChange {
  std::string key;     // "method.lr"
  std::string before;  // as TOML; "absent"
  std::string after;
  ChangeKind kind = ChangeKind::free;
};

/// Which kind of change a key is: one table in config_change.cpp.
ChangeKind change_kind(std::string_view key);

/// Keys whose resolved values differ. Both configs must have been read (parse_run).
std::vector<ConfigChange> config_changes(const base::Config& before, const base::Config& after);

}  // namespace talweg::train
