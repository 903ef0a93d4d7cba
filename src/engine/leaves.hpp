// SPDX-License-Identifier: Apache-2.0
// A rank's part of a pass over examples: its leaves, in waves whose tapes are in memory at a time. Phase one is a task per leaf,
// phase two a task per parameter tile (talweg/objective.hpp); the sums do not depend on waves, threads or ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "engine/example_memory.hpp"
#include "engine/local_sum.hpp"
#include "engine/node_sums.hpp"
#include "engine/prepared_points.hpp"
#include "engine/query.hpp"
#include "engine/vector_store.hpp"
#include "math/buffer.hpp"
#include "math/exact_sum.hpp"
#include "math/parallel.hpp"
#include "talweg/objective.hpp"

namespace talweg::engine {

/// Examples per leaf when none are asked for: an eighth of the batch, within [32, 64], never more than the batch.
std::uint32_t default_leaf(std::uint64_t batch);

/// The leaves of one pass.
struct Leaves {
  std::vector<data::Leaf> mine;
  std::uint64_t total = 0;  // of all ranks
  std::uint64_t examples = 0;
  bool one_thread = false;  // so little work that a second thread would cost more than it saves
};

template <class Real>
class LeafWork {
 public:
  LeafWork(comm::Communicator& comm, const math::Threads& threads, const LocalSum<Real>& sum, const data::Order& order,
           std::uint32_t leaf, std::uint64_t seed, VectorStore<Real>& store, std::size_t per_example);

  [[nodiscard]] Leaves leaves_of(const Query& query) const;
  /// Both phases of a gradient or a Hessian-vector product on this rank's leaves; into `sums`, on the grids with these exponents
  /// [tensors], and maxima(). Returns the sum of the leaves' values. `again`: the same request with other exponents.
  math::ExactSum add_up(const Query& query, const Leaves& leaves, bool again, std::span<const std::int32_t> exponents,
                        NodeSums<Real>& sums);
  /// Values and slopes, or what evaluation counts: the sums of each field over this rank's leaves.
  std::vector<math::ExactSum> scalars(const Query& query, const Leaves& leaves);

  /// Per tensor, the largest magnitude of a leaf's element in the last add_up (talweg/sums.hpp).
  [[nodiscard]] std::span<std::uint32_t> maxima() { return maxima_; }
  /// Examples of this rank that the last query with Memory::skip looked at.
  [[nodiscard]] std::int64_t looked_at() const { return looked_at_; }
  /// Leaves whose tapes are in memory at a time, at most.
  [[nodiscard]] std::size_t wave() const { return wave_; }
  ExampleMemory<Real>& memory() { return memory_; }
  [[nodiscard]] const data::Dataset<Real>& part(Part part) const;

 private:
  /// One leaf in work: its examples and a tape per point. Kept from request to request.
  struct Job {
    data::Gathered<Real> gathered;
    std::vector<std::uint32_t> places;
    std::vector<std::size_t> numbers;                       // Memory::skip: which of the leaf's examples are left
    std::vector<std::unique_ptr<model::Tape<Real>>> tapes;  // one per point of the request
    model::Tape<Real>& tape(const model::Objective<Real>& objective, std::size_t k) {
      while (tapes.size() <= k) tapes.push_back(objective.make_tape());
      return *tapes[k];
    }
  };
  /// Which request's first point the jobs' tapes belong to.
  struct Taped {
    Part part;
    bool all;
    std::uint64_t ticket;
    std::uint32_t place;
    friend bool operator==(const Taped&, const Taped&) = default;
  };
  /// The request's points on this rank.
  struct Points {
    std::vector<model::Point<Real>> at;
    std::uint32_t place = 0;  // of the first, among the prepared ones
    bool fresh = true;        // the first has changed since it was last asked about
  };

  /// body(task, slot) for every task, by all threads or by one.
  void spread(bool one_thread, std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) const;
  Points prepare(const Query& query, bool one_thread);
  /// `first`: the number, on this rank, of the leaf's first example.
  const data::Examples<Real>& gather(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job);
  void phase_one(const Query& query, const Points& points, std::span<const data::Leaf> leaves, std::size_t first,
                 bool one_thread);
  void phase_two(const Query& query, std::size_t jobs, const Leaves& leaves, bool first,
                 std::span<const std::int32_t> exponents, NodeSums<Real>& sums);
  // Per-example slots (leaf_memory.cpp).
  [[nodiscard]] std::uint64_t row_of(const data::Leaf& leaf, std::uint32_t place) const;
  /// After the leaf's phase one: takes off what is stored, and notes its numbers.
  void exchange(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job);
  /// Takes the examples to skip out of job.places, and notes their visits; and those that had no gradient, after phase one.
  void leave_out(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job);
  void note_visits(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job);

  comm::Communicator& comm_;
  const math::Threads& threads_;
  const LocalSum<Real>& sum_;
  const data::Order& order_;
  std::uint32_t leaf_;
  std::uint64_t seed_;
  VectorStore<Real>& store_;
  ExampleMemory<Real> memory_;
  PreparedPoints<Real> prepared_;

  std::size_t wave_;
  std::vector<Job> jobs_;                      // [wave_]
  std::vector<model::LeafTapes<Real>> tapes_;  // of the jobs in phase two
  std::optional<Taped> taped_;                 // what the jobs' tapes hold, for all leaves of this rank
  std::vector<double> values_;                 // [leaves of the last wave]
  std::int64_t looked_at_ = 0;
  std::vector<math::Buffer<Real>> scratch_;  // [threads][TileSum::kTogether * largest tile]: leaves' shares of one tile
  std::vector<std::uint32_t> tile_maxima_;   // [tiles]
  std::vector<std::uint32_t> maxima_;        // [tensors]
};

}  // namespace talweg::engine
