// SPDX-License-Identifier: Apache-2.0
// A run's summary as summary.json and as text.
#pragma once

#include <filesystem>
#include <string>

#include "talweg/train.hpp"

namespace talweg::train {

std::string to_json(const Summary& summary);
/// What a summary.json says of its run; -1 where it does not, or cannot be read.
struct SummaryFacts {
  std::int64_t code = -1;
  std::int64_t step = -1;
  std::int64_t last_checkpoint = -1;  // its step
  std::int64_t best = -1;             // step of best.h5
};
SummaryFacts read_summary(const std::filesystem::path& summary);
/// For people, several lines.
std::string to_text(const Summary& summary);

}  // namespace talweg::train
