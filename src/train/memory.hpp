// SPDX-License-Identifier: Apache-2.0
// What a run's parameter-sized arrays take under each placement: to plan with, and to refuse what cannot fit before the system
// kills it.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <string>

#include "engine/engine.hpp"
#include "talweg/error.hpp"
#include "talweg/objective.hpp"
#include "talweg/train.hpp"

namespace talweg::train {

/// In bytes. Vectors a method needs for the length of a step come on top, and so do further points that it keeps (a snapshot of
/// SVRG): sharded, these too lie whole on every node.
struct VectorMemory {
  double state_first = 0;  // on the coordinator's node: shared by its ranks, unless the placement is "coordinator"
  double state_other = 0;  // on each other node
  double rank = 0;         // on every rank: exact sums, one prepared point, a method's tables
  double received = 0;     // on every rank but the coordinator: the point it is sent
  double snapshot = 0;     // on the coordinator: the copy that checkpoints are written from
  [[nodiscard]] double coordinator(bool writes) const { return state_first + rank + (writes ? snapshot : 0); }
};

/// Bytes of the tables among a run's state, and of the copy that a step is undone with. The grids of the sums are not counted:
/// a few numbers for each tensor.
inline double table_bytes(const math::StateLayout& state) {
  std::size_t numbers = 0;
  for (const math::StateLayout::Array& a : state.arrays()) numbers += a.name.starts_with("engine.") ? 0 : a.size;
  return 2 * sizeof(double) * static_cast<double>(numbers);
}

/// The vectors that gradients or evaluations are asked at in every run of the method.
inline std::size_t points_of(const optim::Method& method) { return method.output() == "x" ? 1 : 2; }

/// The vectors and tables of `state` over so many nodes; gradients or evaluations are asked at `points` of the vectors: x, and
/// what the method gives if that is another (an average).
template <class Real>
VectorMemory vector_memory(const model::Objective<Real>& objective, const math::StateLayout& state, std::size_t points,
                           engine::Placement placement, int nodes) {
  const double vector = sizeof(Real) * static_cast<double>(objective.layout().extent());
  const double all = vector * static_cast<double>(state.vectors().size());
  VectorMemory m;
  m.rank = sizeof(double) * static_cast<double>(objective.layout().extent()) +
           sizeof(Real) * static_cast<double>(objective.prepared_extent()) + table_bytes(state);
  m.snapshot = all;
  const double whole = vector * static_cast<double>(points);
  switch (placement) {
    case engine::Placement::coordinator:
      m.state_first = all;
      m.received = vector;
      break;
    case engine::Placement::replicated:
      m.state_first = m.state_other = all;
      break;
    case engine::Placement::sharded:
      m.state_first = m.state_other = whole + (all - whole) / std::max(nodes, 1);
      if (nodes > 1 && state.vectors().size() > points) m.snapshot += vector;  // gathered for a while, one at a time
      break;
  }
  return m;
}

/// Bytes of activations and deltas of `leaves` leaves of `leaf` examples: the inputs and four numbers per unit, six with
/// dropout.
template <class Real>
double activation_bytes(const model::Objective<Real>& objective, const data::Shape& shape, std::size_t leaf,
                        std::size_t leaves) {
  const auto per_unit = static_cast<std::size_t>(objective.capabilities().numbers_per_unit);
  std::size_t numbers = shape.sparse ? 0 : shape.features;
  for (const math::Tensor& t : objective.layout().tensors()) numbers += t.bias ? 0 : per_unit * t.rows();
  return static_cast<double>(sizeof(Real) * numbers * leaf * leaves);
}

/// What rank 0 of `ranks` holds in a run over minibatches.
template <class Real>
Memory memory_of(const engine::Problem<Real>& problem, const math::StateLayout& layout, const engine::EngineOptions& options,
                 const engine::Engine<Real>& engine, int ranks) {
  const double vector = sizeof(Real) * static_cast<double>(problem.objective->layout().extent());
  const bool exact = options.reduction == engine::Reduction::exact;
  // Of a request for so many examples in leaves of `leaf`, on the rank with most of them.
  const auto activations = [&](std::uint64_t examples, std::uint32_t leaf) {
    const std::uint64_t leaves = (examples + leaf - 1) / leaf;
    const std::uint64_t per_rank = (leaves + static_cast<std::uint64_t>(ranks) - 1) / static_cast<std::uint64_t>(ranks);
    return activation_bytes(*problem.objective, problem.train.shape(), leaf, std::min<std::size_t>(per_rank, engine.wave()));
  };
  const std::uint64_t count = problem.train.plan().count();
  Memory m;
  for (const std::string& name : layout.vectors()) {
    (name == "x" ? m.parameters : name.starts_with("trainer.") ? m.other_state : m.method_state) += vector;
  }
  m.tables = table_bytes(layout);
  m.tables += sizeof(Real) *
              static_cast<double>(problem.train.rows() * problem.objective->example_numbers() * layout.per_example().size());
  m.sums = exact ? vector / sizeof(Real) * sizeof(double) : vector;
  m.activations = activations(engine.order().largest_batch(), engine.leaf());
  const double all = activations(count, std::max(engine.leaf(), engine::default_leaf(count)));
  m.full_pass = vector + std::max(all - m.activations, 0.0);
  m.prepared = sizeof(Real) * static_cast<double>(problem.objective->prepared_extent());
  m.shard = static_cast<double>(problem.train.bytes() + (problem.valid ? problem.valid->bytes() : 0) +
                                (problem.test ? problem.test->bytes() : 0));
  m.snapshot = m.parameters + m.method_state + m.tables + m.other_state;
  return m;
}

inline double machine_bytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// For a run that writes checkpoints the copy they are written from is among `bytes`.
template <class Real>
std::string too_large(const model::Objective<Real>& objective, double bytes) {
  constexpr double kGigabyte = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("{}: {} parameters take {:.1f} GB of vectors on the coordinator, this machine has {:.1f} GB",
                     objective.describe(), objective.layout().parameters(), bytes / kGigabyte, machine_bytes() / kGigabyte);
}

}  // namespace talweg::train
