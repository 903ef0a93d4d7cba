// SPDX-License-Identifier: Apache-2.0
#include "train/stops.hpp"

#include "talweg/signals.hpp"
#include "train/run.hpp"

namespace talweg::train {

using base::ExitCode;

std::optional<Ending> end_of_method(const optim::StepReport& report) {
  switch (report.outcome) {
    case optim::Outcome::going_on:
      return std::nullopt;
    case optim::Outcome::converged:
      return finished("converged", report.message);
    case optim::Outcome::ended:
      return finished("ended", report.message);
    case optim::Outcome::stuck:
      return finished("stuck", report.message);
    case optim::Outcome::failed:  // because of keys of [method]
      return Ending{ExitCode::bad_config, "failed", report.message};
  }
  return std::nullopt;
}

std::optional<Ending> target_reached(const StopSection& stop, double objective, std::int64_t step) {
  if (!(objective <= stop.target_loss)) return std::nullopt;
  return finished("target_loss",
                  fmt::format("the training objective {:.6g} reached {:.6g} at step {}", objective, stop.target_loss, step));
}

std::optional<Ending> patience_lost(const StopSection& stop, std::int64_t since, std::int64_t best) {
  if (stop.patience == 0 || since < stop.patience) return std::nullopt;
  return finished("patience", fmt::format("no better {} for {} evaluations; the best was step {}", stop.metric, since, best));
}

std::optional<Ending> gradient_vanished(const StopSection& stop, double norm, bool smooth, std::int64_t step) {
  if (!(norm <= stop.gradient_norm)) return std::nullopt;
  const char* what = smooth ? "|grad F|" : "|x - prox(x - grad f)|";
  return finished("gradient_norm", fmt::format("{} = {:.3e} <= {:.3e} at step {}", what, norm, stop.gradient_norm, step));
}

std::optional<Ending> stopped_by_signal(std::uint32_t signals, std::int64_t step) {
  if ((signals & (base::checkpoint_and_stop | base::stop_now)) == 0) return std::nullopt;
  return Ending{ExitCode::stopped_early, "signal",
                fmt::format("stopped by a signal after step {}; run the same command to go on", step)};
}

std::optional<Ending> stopped_by(Stop stop, const StopSection& section, std::int64_t step) {
  switch (stop) {
    case Stop::none:
      return std::nullopt;
    case Stop::file:
      return Ending{ExitCode::stopped_early, "stop",
                    fmt::format("stopped by `talweg stop` after step {}; run the same command to go on", step)};
    case Stop::wall_seconds:
      return Ending{ExitCode::stopped_early, "wall_seconds",
                    fmt::format("{} s are over after step {}; run the same command to go on", section.wall_seconds, step)};
  }
  return std::nullopt;
}

}  // namespace talweg::train
