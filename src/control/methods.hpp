// SPDX-License-Identifier: Apache-2.0
// The catalogue as text and as JSON. Hyperparameters and state are not written down twice: each method is built from an empty
// [method] table, and the keys it read and the state it declared are listed.
#pragma once

#include <string>
#include <vector>

#include "optim/registry.hpp"
#include "talweg/config.hpp"

namespace talweg::control {

struct MethodView {
  std::string name;
  std::string kind;  // update rule | estimator | method
  std::string title;
  std::string rule;
  std::string source;
  std::string cost;
  std::string guarantee;
  std::string grain;                            // element | tensor | global
  std::string output;                           // the slot that holds the parameters to use
  std::vector<base::Resolved> hyperparameters;  // value: the default
  struct Mode {
    std::string with;                  // "average = \"polyak\""
    std::vector<base::Resolved> keys;  // read in this mode only
  };
  std::vector<Mode> modes;
  struct Dialect {
    std::string name;
    std::vector<base::Resolved> differ;  // hyperparameters whose default differs from the first dialect's
  };
  std::vector<Dialect> dialects;
  std::vector<std::string> vectors;  // state slots of the parameters' size
  std::vector<std::string> numbers;  // scalars, counters and small tables
  optim::Needs needs;
};
MethodView view_of(const optim::Entry& entry);
std::string to_json(const MethodView& view);
std::string to_text(const MethodView& view);

struct ScheduleView {
  std::string name;
  std::string formula;
  std::vector<base::Resolved> parameters;
};
ScheduleView view_of(const optim::ScheduleEntry& entry);
std::string to_json(const ScheduleView& view);
std::string to_text(const ScheduleView& view);

/// Everything a config may name.
std::string catalogue_text();
std::string catalogue_json();

}  // namespace talweg::control
