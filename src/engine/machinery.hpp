// SPDX-License-Identifier: Apache-2.0
// What the two oracles of a session (the method's and the observers') share.
#pragma once

#include "engine/block_space.hpp"
#include "engine/leaves.hpp"
#include "engine/local_sum.hpp"
#include "engine/node_sums.hpp"
#include "engine/owners.hpp"
#include "engine/session.hpp"
#include "engine/vector_store.hpp"
#include "math/parallel.hpp"

namespace talweg::engine {

template <class Real>
struct Machinery {
  /// Collective. `declared` vector slots and `per_example` slots exist from the start.
  Machinery(Session& session, comm::Communicator& comm, const math::Threads& threads, const LocalSum<Real>& sum,
            std::size_t declared, std::size_t per_example);

  /// Collective, and nothing to do unless the owners spread: every node gets what it lacks of a vector.
  void complete(optim::Vector v);
  /// The ranks of this node have all come here.
  void wait_for_node();
  [[nodiscard]] const math::ParameterLayout& layout() const { return sum.objective->layout(); }

  Session& session;
  comm::Communicator& comm;
  const LocalSum<Real>& sum;
  Owners owners;
  VectorStore<Real> store;
  BlockSpace<Real> space;
  LeafWork<Real> leaves;
  NodeSums<Real> sums;
};

}  // namespace talweg::engine
