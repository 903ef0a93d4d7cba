// SPDX-License-Identifier: Apache-2.0
// The problems with known answers, as text and as JSON. Keys are not written down twice: each problem is built from its table,
// and the keys it read are listed; the answers are those of the problem so built.
#pragma once

#include <span>
#include <string>

#include "model/problem.hpp"

namespace talweg::control {

/// Every problem in one line.
std::string problems_text();
std::string problems_json();

/// One problem: formula, keys, constants, answers, source. `overrides`: "problem.dimension=8", "regularizer.l1=0.1".
std::string problem_text(const model::ProblemEntry& entry, std::span<const std::string> overrides);
std::string problem_json(const model::ProblemEntry& entry, std::span<const std::string> overrides);

}  // namespace talweg::control
