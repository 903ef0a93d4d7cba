// SPDX-License-Identifier: Apache-2.0
// What a run's parameter-sized arrays take under each placement: to plan with, and to refuse what cannot fit before the system
// kills it.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <string>

#include "talweg/base/error.hpp"
#include "talweg/engine/placement.hpp"
#include "talweg/model/objective.hpp"

namespace talweg::train {

/// In bytes. Vectors a method needs for the length of a step come on top, and so do points beside x that it keeps (a snapshot):
/// sharded, these too lie whole on every node.
struct Memory {
  double state_first = 0;  // on the coordinator's node: shared by its ranks, unless the placement is "coordinator"
  double state_other = 0;  // on each other node
  double rank = 0;         // on every rank: exact sums, one prepared point
  double received = 0;     // on every rank but the coordinator: the point it is sent
};

/// `vectors` vectors of state, x among them, over so many nodes.
template <class Real>
Memory memory_of(const model::Objective<Real>& objective, std::size_t vectors, engine::Placement placement, int nodes) {
  const double vector = sizeof(Real) * static_cast<double>(objective.layout().extent());
  const double all = vector * static_cast<double>(vectors);
  Memory m;
  m.rank = sizeof(double) * static_cast<double>(objective.layout().extent()) +
           sizeof(Real) * static_cast<double>(objective.prepared_extent());
  switch (placement) {
    case engine::Placement::coordinator:
      m.state_first = all;
      m.received = vector;
      break;
    case engine::Placement::replicated:
      m.state_first = m.state_other = all;
      break;
    case engine::Placement::sharded:
      m.state_first = m.state_other = vector + (all - vector) / std::max(nodes, 1);
      break;
  }
  return m;
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
