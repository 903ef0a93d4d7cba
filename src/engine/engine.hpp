// SPDX-License-Identifier: Apache-2.0
// A Session in one precision: it owns the machinery, the two oracles, and moves vectors between ranks and rank 0.
#pragma once

#include <array>
#include <vector>

#include "engine/distributed_oracle.hpp"
#include "engine/machinery.hpp"
#include "engine/session.hpp"

namespace talweg::engine {

template <class Real>
class Engine final : public Session {
 public:
  /// Collective. `declared` vector slots exist in each node's shared memory, `per_example` slots on each rank, for its rows.
  /// Sum, communicator and threads outlive the engine.
  Engine(comm::Communicator& comm, const math::Threads& threads, const LocalSum<Real>& sum, const EngineOptions& options,
         std::size_t declared, std::size_t per_example = 0);

  DistributedOracle<Real>& oracle(Asker asker) override { return oracles_[static_cast<std::size_t>(asker)]; }
  PartEvaluation evaluate(optim::Vector at, Part part) override { return oracle(Asker::observer).evaluate(at, part); }

  Values values(optim::Vector v) override { return m_.store.values(v); }
  Values stage_examples(math::PerExample slot) override;
  void distribute(math::State& state) override;
  void read(optim::Vector v, const std::function<void(ConstValues)>& use) override;
  void read_examples(math::PerExample slot, const std::function<void(ConstValues)>& use) override;
  void pretend_changed(optim::Vector v) override { m_.store.touch(v); }
  [[nodiscard]] std::size_t wave() const override { return m_.leaves.wave(); }

  VectorStore<Real>& store() { return m_.store; }

 private:
  /// Of a vector that spreads: rank 0's node gets what the others own, or they get it from there.
  void send_pieces(optim::Vector v, bool to_first_node);
  /// Undoes a gather: frees the pages of other nodes' pieces on rank 0's node.
  void forget_others_pieces(optim::Vector v);
  /// From rank 0: numbers to every rank.
  void broadcast_numbers(math::State& state);
  void distribute_examples();
  /// What the ranks but the first own of a per-example slot, piece by piece, from the rank that `from` names for an owner to
  /// all. `place` says where a rank has it or wants it; empty: it does not need it.
  template <class From, class Place>
  void pass_examples(From from, Place place);

  Machinery<Real> m_;
  std::array<DistributedOracle<Real>, 2> oracles_;
  std::vector<std::vector<Real>> staged_;  // [per-example slots] on rank 0, from stage_examples to distribute
};

}  // namespace talweg::engine
