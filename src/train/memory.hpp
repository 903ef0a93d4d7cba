// SPDX-License-Identifier: Apache-2.0
// What a run's parameter-sized arrays take under each placement: to plan with, and to refuse what cannot fit before the system
// kills it.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <string>

#include "engine/leaves.hpp"
#include "engine/problem.hpp"
#include "talweg/error.hpp"
#include "talweg/method.hpp"
#include "talweg/objective.hpp"
#include "talweg/train.hpp"

namespace talweg::train {

/// In bytes. Vectors a method needs for the length of a step come on top, and so do further points that it keeps (a snapshot of
/// SVRG): sharded, these too lie whole on every node.
struct VectorMemory {
  double state_first = 0;  // on rank 0's node: shared by its ranks
  double state_other = 0;  // on each other node
  double rank = 0;         // on every rank: exact sums, one prepared point, a method's tables
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
inline VectorMemory vector_memory(const engine::Problem& problem, const math::StateLayout& state, std::size_t points,
                                  engine::Placement placement, int nodes) {
  const auto real = static_cast<double>(problem.facts().real_size());
  const auto extent = static_cast<double>(problem.layout().extent());
  const double vector = real * extent;
  const double all = vector * static_cast<double>(state.vectors().size());
  VectorMemory m;
  m.rank = sizeof(double) * extent + real * static_cast<double>(problem.facts().prepared_extent) + table_bytes(state);
  m.snapshot = all;
  const double whole = vector * static_cast<double>(points);
  switch (placement) {
    case engine::Placement::coordinator:
      m.state_first = all;
      m.state_other = whole;
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
inline double activation_bytes(const engine::Problem& problem, std::size_t leaf, std::size_t leaves) {
  const engine::ProblemFacts& facts = problem.facts();
  const auto per_unit = static_cast<std::size_t>(facts.capabilities.numbers_per_unit);
  std::size_t numbers = facts.shape.sparse ? 0 : facts.shape.features;
  for (const math::Tensor& t : problem.layout().tensors()) numbers += t.bias ? 0 : per_unit * t.rows();
  return static_cast<double>(facts.real_size() * numbers * leaf * leaves);
}

/// What rank 0 of `ranks` holds in a run over minibatches.
inline Memory memory_of(const engine::Problem& problem, const math::StateLayout& layout, const engine::Session& session,
                        int ranks) {
  const engine::ProblemFacts& facts = problem.facts();
  const auto real = static_cast<double>(facts.real_size());
  const auto extent = static_cast<double>(problem.layout().extent());
  const double vector = real * extent;
  const bool exact = session.options().reduction == engine::Reduction::exact;
  // Of a request for so many examples in leaves of `leaf`, on the rank with most of them.
  const auto activations = [&](std::uint64_t examples, std::uint32_t leaf) {
    const std::uint64_t leaves = (examples + leaf - 1) / leaf;
    const std::uint64_t per_rank = (leaves + static_cast<std::uint64_t>(ranks) - 1) / static_cast<std::uint64_t>(ranks);
    return activation_bytes(problem, leaf, std::min<std::size_t>(per_rank, session.wave()));
  };
  const std::uint64_t count = facts.plan.count();
  Memory m;
  for (const std::string& name : layout.vectors()) {
    (name == "x" ? m.parameters : name.starts_with("trainer.") ? m.other_state : m.method_state) += vector;
  }
  m.tables = table_bytes(layout);
  m.tables += real * static_cast<double>(facts.rows * facts.example_numbers * layout.per_example().size());
  m.sums = exact ? extent * sizeof(double) : vector;
  m.activations = activations(session.order().largest_batch(), session.leaf());
  const double all = activations(count, std::max(session.leaf(), engine::default_leaf(count)));
  m.full_pass = vector + std::max(all - m.activations, 0.0);
  m.prepared = real * static_cast<double>(facts.prepared_extent);
  m.shard = static_cast<double>(facts.bytes);
  m.snapshot = m.parameters + m.method_state + m.tables + m.other_state;
  return m;
}

inline double machine_bytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// For a run that writes checkpoints the copy they are written from is among `bytes`.
inline std::string too_large(const engine::Problem& problem, double bytes) {
  constexpr double kGigabyte = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("{}: {} parameters take {:.1f} GB of vectors on the coordinator, this machine has {:.1f} GB",
                     problem.facts().describe, problem.layout().parameters(), bytes / kGigabyte, machine_bytes() / kGigabyte);
}

}  // namespace talweg::train
