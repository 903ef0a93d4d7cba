// SPDX-License-Identifier: Apache-2.0
// What a run's parameter-sized arrays take, to refuse what cannot fit before the system kills it.
#pragma once

#include <unistd.h>

#include <string>

#include "talweg/base/error.hpp"
#include "talweg/model/objective.hpp"

namespace talweg::train {

/// Bytes of `vectors` vectors of state, of the exact sums and of one prepared point.
template <class Real>
double vector_bytes(const model::Objective<Real>& objective, std::size_t vectors) {
  const auto extent = static_cast<double>(objective.layout().extent());
  return extent * (sizeof(Real) * static_cast<double>(vectors) + sizeof(double)) +
         sizeof(Real) * static_cast<double>(objective.prepared_extent());
}

inline double machine_bytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

template <class Real>
std::string too_large(const model::Objective<Real>& objective, double bytes) {
  constexpr double kGigabyte = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("{}: {} parameters take {:.1f} GB of vectors on the coordinator, this machine has {:.1f} GB",
                     objective.describe(), objective.layout().parameters(), bytes / kGigabyte, machine_bytes() / kGigabyte);
}

}  // namespace talweg::train
