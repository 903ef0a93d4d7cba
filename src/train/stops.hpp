// SPDX-License-Identifier: Apache-2.0
// What ends a run, one pure function each: nothing, or the ending.
#pragma once

#include <cstdint>
#include <optional>

#include "talweg/method.hpp"
#include "talweg/train.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

/// The method's own word.
std::optional<Ending> end_of_method(const optim::StepReport& report);
/// [stop] target_loss. `objective`: of the training part; NaN: not known.
std::optional<Ending> target_reached(const StopSection& stop, double objective, std::int64_t step);
/// [stop] patience, `since` evaluations after the best one, which was that of step `best`.
std::optional<Ending> patience_lost(const StopSection& stop, std::int64_t since, std::int64_t best);
/// [stop] gradient_norm. `smooth`: Omega is.
std::optional<Ending> gradient_vanished(const StopSection& stop, double norm, bool smooth, std::int64_t step);
/// Signals to stop among `signals` (base::Signal bits).
std::optional<Ending> stopped_by_signal(std::uint32_t signals, std::int64_t step);

/// What rank 0 alone can know: time is over, or a file asks the run to stop.
enum class Stop : std::uint8_t { none, file, wall_seconds };
std::optional<Ending> stopped_by(Stop stop, const StopSection& section, std::int64_t step);

}  // namespace talweg::train
