// SPDX-License-Identifier: Apache-2.0
// A problem opened for a run, whatever its precision: the oracles, evaluations, and the way of its numbers in and out. Every
// rank has a session and calls the same verbs in the same order; all are collective unless they say otherwise.
//
// The way of a gradient request (distributed_oracle.cpp):
//
//     points     where the owners spread, a point is completed on each node first                  MPI_Allgatherv
//     leaves     points prepared; forward_backward per leaf, then tile() per parameter tile, each leaf's share rounded to the
//                grid and added exactly, in memory that the node's ranks share
//     verdict    error, signals, per-tensor maxima; leaves are done again once if a grid is outgrown   MPI_Allreduce(MAX)
//     sum        between nodes only, slice by slice, in place, in pieces                           MPI_Allreduce(SUM)
//                (where the owners spread: each node gets the sums of what it owns                 MPI_Reduce_scatter)
//     sink       on the blocks that this rank owns: add the parts of the node's ranks, divide by b, add Omega's smooth part and
//                shifts, run the method's kernel; its sums                                         MPI_Allreduce(SUM)
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data/shards.hpp"
#include "engine/fault.hpp"
#include "engine/grid.hpp"
#include "engine/options.hpp"
#include "engine/query.hpp"
#include "engine/verdicts.hpp"
#include "talweg/meter.hpp"
#include "talweg/objective.hpp"
#include "talweg/oracle.hpp"
#include "talweg/state.hpp"

namespace talweg::engine {

/// All elements of a vector [extent], or of a per-example slot [n, numbers per example], in the run's precision.
using Values = std::variant<std::span<float>, std::span<double>>;
using ConstValues = std::variant<std::span<const float>, std::span<const double>>;

/// Sums over one part of the data.
struct PartEvaluation {
  model::Evaluation sums;
  std::uint64_t count = 0;
};

class Session {
 public:
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  virtual optim::Oracle& oracle(Asker asker) = 0;
  virtual PartEvaluation evaluate(optim::Vector at, Part part) = 0;

  // Numbers in: rank 0 fills what it likes, then all ranks distribute.
  /// Not collective: where a vector's elements lie on this node.
  virtual Values values(optim::Vector v) = 0;
  /// Not collective: where rank 0 puts a per-example slot of all ranks, examples by position.
  virtual Values stage_examples(math::PerExample slot) = 0;
  /// Rank 0's state on all ranks: its numbers, its vectors, and the per-example slots if they were staged.
  virtual void distribute(math::State& state) = 0;

  // Numbers out: `use` is called on rank 0 only, with all of it. What it reads may be written by other ranks as soon as they
  // return: the caller lets them wait, with a collective of its own.
  virtual void read(optim::Vector v, const std::function<void(ConstValues)>& use) = 0;
  virtual void read_examples(math::PerExample slot, const std::function<void(ConstValues)>& use) = 0;

  /// For measurements: from now on the vector counts as changed.
  virtual void pretend_changed(optim::Vector v) = 0;
  /// Leaves whose tapes this rank keeps at a time, at most.
  [[nodiscard]] virtual std::size_t wave() const = 0;

  /// The method is about to make the step after `done` steps.
  void at_step(std::int64_t done) { step_ = done; }
  [[nodiscard]] std::int64_t step() const { return step_; }
  [[nodiscard]] const EngineOptions& options() const { return options_; }
  [[nodiscard]] std::uint32_t leaf() const { return leaf_; }
  [[nodiscard]] const data::Order& order() const { return order_; }
  [[nodiscard]] Grids& grids() { return grids_; }
  [[nodiscard]] Meter& meter() { return meter_; }
  [[nodiscard]] const Meter& meter() const { return meter_; }
  [[nodiscard]] Verdicts& verdicts() { return verdicts_; }
  [[nodiscard]] const comm::Traffic& traffic() const { return comm_.traffic(); }
  /// A failure that tests ask for; empty otherwise.
  void inject(Fault fault) { fault_ = std::move(fault); }
  [[nodiscard]] std::optional<Fault>& fault() { return fault_; }

  /// The slots in which meter and grids outlive a kill.
  static void declare_slots(math::StateLayout& layout, std::size_t tensors);
  void save_to(math::State& state) const;
  /// Error(bad_data) naming `file` when the grids are none.
  void load_from(math::State& state, const std::string& file);

 protected:
  Session(comm::Communicator& comm, const data::ShardPlan& plan, std::size_t tensors, const EngineOptions& options);

  comm::Communicator& comm_;
  EngineOptions options_;
  std::uint32_t leaf_;
  data::Order order_;
  Meter meter_;
  Grids grids_;
  Verdicts verdicts_;
  std::optional<Fault> fault_;
  std::int64_t step_ = 0;
};

}  // namespace talweg::engine
