// SPDX-License-Identifier: Apache-2.0
// Measures the steps of a config on these cores: nothing is written, nothing is evaluated.
#pragma once

#include "bench/figures.hpp"
#include "talweg/communicator.hpp"
#include "talweg/config.hpp"
#include "talweg/log.hpp"

namespace talweg::bench {

struct StepTimes {
  train::Summary summary;
  MachineFigures machine;  // not measured when summary.ending.code is diverged
};

/// Collective; the figures are rank 0's, the ending is the same on every rank. The machine is measured before and after the
/// steps, so within the same minute.
StepTimes time_steps(const base::Config& config, double seconds, int threads, comm::Communicator& comm, const base::Log& log);

}  // namespace talweg::bench
