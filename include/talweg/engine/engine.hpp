// SPDX-License-Identifier: Apache-2.0
// The distributed oracle: the one room that joins objective, data, ranks and threads.
//
// The way of a request (coordinator placement):
//
//     announce   header, and points the workers lack                                       MPI_Bcast
//     leaves     points prepared; forward_backward per leaf, then tile() per parameter tile, each leaf's
//                share rounded to the grid and added in double
//     verdict    error, signals, per-tensor maxima; leaves redone once if a grid is outgrown  MPI_Allreduce(MAX)
//     sum        exact in any order, in place, in pieces                                   MPI_Allreduce(SUM)
//     sink       divide by b, add Omega's smooth part and shifts, run the method's kernel: rank 0, block by block
//
// Every rank runs answer(); only who announces and where the sink runs depends on the placement.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "talweg/base/error.hpp"
#include "talweg/comm/agree.hpp"
#include "talweg/comm/communicator.hpp"
#include "talweg/data/dataset.hpp"
#include "talweg/engine/block_space.hpp"
#include "talweg/engine/grid.hpp"
#include "talweg/engine/held_points.hpp"
#include "talweg/engine/leaf_job.hpp"
#include "talweg/engine/meter.hpp"
#include "talweg/engine/request.hpp"
#include "talweg/engine/vector_store.hpp"
#include "talweg/math/exact_sum.hpp"
#include "talweg/math/parallel.hpp"
#include "talweg/model/objective.hpp"
#include "talweg/model/regularizer.hpp"
#include "talweg/optim/oracle.hpp"

namespace talweg::engine {

/// F on this rank: the objective and this rank's share of each part.
template <class Real>
struct Problem {
  std::unique_ptr<model::Objective<Real>> objective;
  model::Regularizer regularizer;
  data::Dataset<Real> train;
  std::optional<data::Dataset<Real>> valid;
  std::optional<data::Dataset<Real>> test;
};

enum class Reduction { exact, fast };

struct EngineOptions {
  data::Sampling sampling = data::Sampling::shuffle;
  std::uint64_t seed = 1;
  std::uint64_t batch = 0;  // examples per minibatch; 0: all of them
  std::uint32_t leaf = 0;   // examples per leaf; 0: chosen from the batch
  Reduction reduction = Reduction::exact;
};

/// Examples per leaf when none are asked for: an eighth of the batch, within [32, 64], never more than the batch.
std::uint32_t default_leaf(std::uint64_t batch);
/// Examples per leaf of a run over `count` examples.
std::uint32_t leaf_of(const EngineOptions& options, std::uint64_t count);

/// A failure all ranks know of: nobody needs to be told to stop.
class AgreedFailure : public base::Error {
 public:
  using base::Error::Error;
};

/// Sums over one part of the data.
struct PartEvaluation {
  model::Evaluation sums;
  std::uint64_t count = 0;
};

/// Signals as bits, agreed with every request.
enum Signal : std::uint32_t { checkpoint_and_go_on = 1, checkpoint_and_stop = 2, stop_now = 4 };

template <class Real>
class Engine {
 public:
  /// `declared` vector slots exist on the coordinator. Problem, communicator and threads outlive the engine.
  Engine(comm::Communicator& comm, const math::Threads& threads, Problem<Real>& problem, const EngineOptions& options,
         std::size_t declared);
  ~Engine();

  // The coordinator's side.
  optim::Oracle& oracle(Asker asker);
  VectorStore<Real>& store() { return store_; }
  /// Sums over a part at a point.
  PartEvaluation evaluate(optim::Vector at, Part part);
  /// Sends grids loaded from a checkpoint to all ranks.
  void publish_grids();
  /// Ends the workers' serve() with this code.
  void stop(base::ExitCode code);

  // A worker's side: answers requests until told to stop; returns the code. Throws AgreedFailure as the coordinator does.
  base::ExitCode serve();

  // Both.
  [[nodiscard]] Grids& grids() { return grids_; }
  [[nodiscard]] Meter& meter() { return meter_; }
  [[nodiscard]] const comm::Traffic& traffic() const { return comm_.traffic(); }
  [[nodiscard]] std::uint32_t leaf() const { return leaf_; }
  [[nodiscard]] const data::Order& order() const { return order_; }
  /// Asked on every rank at every request: the signals that rank has caught.
  void watch_signals(std::function<std::uint32_t()> caught) { caught_ = std::move(caught); }
  /// Signals that any rank has reported so far.
  [[nodiscard]] std::uint32_t signals() const { return signals_; }
  void forget_signals() { signals_ = 0; }
  /// Memory for tapes, sums and points on this rank.
  [[nodiscard]] std::size_t bytes() const;

 private:
  class AskerOracle;
  struct Answer {
    double value = 0;          // mean f_i (gradient)
    std::uint64_t count = 0;   // examples
    std::vector<double> sums;  // along, evaluate
    bool finite = true;        // gradient, hessian_vector: false means nothing was summed
  };

  void announce(Request& request, std::span<const optim::Vector> points);
  void receive(Request& request);  // what a worker does while the coordinator announces
  Answer answer(const Request& request);
  void answer_tiles(const Request& request, Answer& answer);    // gradient, hessian_vector
  void answer_scalars(const Request& request, Answer& answer);  // along, evaluate

  struct Leaves {
    std::vector<data::Leaf> mine;
    std::uint64_t total = 0;  // of all ranks
    std::uint64_t examples = 0;
  };
  Leaves leaves_of(const Request& request) const;
  [[nodiscard]] const data::Dataset<Real>& part(Part part) const;
  /// The request's points, each prepared if it has changed since.
  std::vector<model::Point<Real>> points_of(const Request& request);
  const data::Examples<Real>& gather(const Request& request, const data::Leaf& leaf, LeafJob<Real>& job) const;
  /// Both phases on this rank's leaves; the sum of their values.
  math::ExactSum run_leaves(const Request& request, const Leaves& leaves, bool again);
  using Points = std::vector<model::Point<Real>>;
  void phase_one(const Request& request, const Points& points, std::span<const data::Leaf> leaves);
  void phase_two(const Request& request, std::size_t jobs, std::uint64_t total, bool first);
  /// Verdict of one request: throws AgreedFailure when some rank failed. `maxima` become the maxima over ranks.
  void verdict(const comm::Failure& mine, std::span<std::uint32_t> maxima);
  [[nodiscard]] Kind kind_of(const Request& request) const;

  comm::Communicator& comm_;
  const math::Threads& threads_;
  Problem<Real>& problem_;
  EngineOptions options_;
  std::uint32_t leaf_;
  data::Order order_;
  Meter meter_;
  Grids grids_;
  VectorStore<Real> store_;
  HeldPoints<Real> held_;
  std::uint64_t requests_ = 0;
  BlockSpace<Real> space_;
  std::array<std::unique_ptr<AskerOracle>, 2> oracles_;
  std::function<std::uint32_t()> caught_;
  std::uint32_t signals_ = 0;

  std::size_t wave_;                         // leaves whose tapes are kept at a time
  std::vector<LeafJob<Real>> jobs_;          // [wave_]
  std::vector<double> values_;               // [leaves of the last wave]
  std::vector<math::Buffer<Real>> scratch_;  // [threads][kTogether * largest tile]: leaves' shares of one tile
  math::Buffer<double> sums_;                // [extent], exact
  math::Buffer<Real> fast_;                  // [extent], fast
  std::vector<std::uint32_t> tile_maxima_;   // [tiles]
  std::vector<std::uint32_t> maxima_;        // [tensors]
};

}  // namespace talweg::engine
