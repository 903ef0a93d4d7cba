// SPDX-License-Identifier: Apache-2.0
// The distributed oracle: the one room that joins objective, data, ranks and threads.
//
// The way of a request:
//
//     announce   header, and points the workers lack                                          MPI_Bcast
//                (sharded: points that are spread over nodes are completed on each            MPI_Allgatherv)
//     leaves     points prepared; forward_backward per leaf, then tile() per parameter tile, each leaf's
//                share rounded to the grid and added exactly, in memory the node's ranks share
//     verdict    error, signals, per-tensor maxima; leaves redone once if a grid is outgrown  MPI_Allreduce(MAX)
//     sum        between nodes only, slice by slice, in place, in pieces                      MPI_Allreduce(SUM)
//                (sharded: each node gets the sums of its own blocks                          MPI_Reduce_scatter)
//     sink       add the parts of the node's ranks, divide by b, add Omega's smooth part and shifts, run the method's
//                kernel, block by block: rank 0, or every rank on its slice
//
// Every rank runs answer(). With placement "coordinator" the method runs on rank 0 and the others serve. Otherwise every rank
// runs the method's step, so its requests need no announcement; observers ask from rank 0 in all placements.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/agree.hpp"
#include "data/dataset.hpp"
#include "engine/block_space.hpp"
#include "engine/example_memory.hpp"
#include "engine/fault.hpp"
#include "engine/grid.hpp"
#include "engine/held_points.hpp"
#include "engine/leaf_job.hpp"
#include "engine/placement.hpp"
#include "engine/request.hpp"
#include "engine/shared_array.hpp"
#include "engine/vector_store.hpp"
#include "math/exact_sum.hpp"
#include "math/parallel.hpp"
#include "model/regularizer.hpp"
#include "talweg/communicator.hpp"
#include "talweg/error.hpp"
#include "talweg/meter.hpp"
#include "talweg/method.hpp"
#include "talweg/objective.hpp"
#include "talweg/oracle.hpp"

namespace talweg::engine {

/// F on this rank: the objective and this rank's share of each part.
template <class Real>
struct Problem {
  std::unique_ptr<model::Objective<Real>> objective;
  model::Regularizer regularizer;
  data::Dataset<Real> train;
  std::optional<data::Dataset<Real>> valid;
  std::optional<data::Dataset<Real>> test;
  std::optional<optim::CurvatureBounds> curvature{};  // when the method wants it
};

enum class Reduction { exact, fast };

struct EngineOptions {
  data::Sampling sampling = data::Sampling::shuffle;
  std::uint64_t seed = 1;
  std::uint64_t batch = 0;  // examples per minibatch; 0: all of them
  std::uint32_t leaf = 0;   // examples per leaf; 0: chosen from the batch
  Reduction reduction = Reduction::exact;
  Placement placement = Placement::coordinator;
  std::vector<data::BatchChange> batches{};  // what `batch` becomes in later epochs
};

/// Examples per leaf when none are asked for: an eighth of the batch, within [32, 64], never more than the batch.
std::uint32_t default_leaf(std::uint64_t batch);
/// Examples per leaf of a run over `count` examples.
std::uint32_t leaf_of(const EngineOptions& options, std::uint64_t count);

/// Sums over one part of the data.
struct PartEvaluation {
  model::Evaluation sums;
  std::uint64_t count = 0;
};

/// A worker's copy of what the coordinator steps with, for placements where every rank runs the step.
struct Mirror {
  math::State& state;
  std::function<void(const optim::Progress&)> step;
};

template <class Real>
class Engine {
 public:
  /// Collective. `declared` vector slots exist on the coordinator, or in each node's shared memory; `per_example` slots on each
  /// rank, for its rows, in every placement. Problem, communicator and threads outlive the engine.
  Engine(comm::Communicator& comm, const math::Threads& threads, Problem<Real>& problem, const EngineOptions& options,
         std::size_t declared, std::size_t per_example = 0);
  ~Engine();

  // The coordinator's side.
  optim::Oracle& oracle(Asker asker);
  VectorStore<Real>& store() { return store_; }
  const math::Threads& threads() const { return threads_; }
  /// to = from: what an observer keeps beside the run.
  void copy(optim::Vector from, optim::Vector to);
  /// Calls `use` with all of a vector, wherever its parts lie.
  void read(optim::Vector v, const std::function<void(std::span<const Real>)>& use);
  /// A per-example slot of all ranks, [n, numbers per example], examples by position.
  std::vector<Real> read_examples(math::PerExample slot);
  /// What read_examples() gave, in a run that was saved: published with the state.
  void load_examples(math::PerExample slot, std::vector<Real> all);
  /// Sums over a part at a point.
  PartEvaluation evaluate(optim::Vector at, Part part);
  /// Sends what was made or loaded at the start to all ranks: the grids and, where they run the step, the state.
  void publish(math::State& state);
  /// Runs `step`, while the ranks that mirror run theirs with the same progress.
  void step(const optim::Progress& progress, const std::function<void()>& step);
  /// Ends the workers' serve() with this code.
  void stop(base::ExitCode code);

  // A worker's side: answers requests until told to stop; returns the code. Throws comm::AgreedFailure as the coordinator does.
  base::ExitCode serve(const Mirror* mirror = nullptr);

  // Both.
  [[nodiscard]] Grids& grids() { return grids_; }
  [[nodiscard]] Meter& meter() { return meter_; }
  [[nodiscard]] const comm::Traffic& traffic() const { return comm_.traffic(); }
  /// Shown to the ranks that wait for this one.
  void set_activity(comm::Activity activity) { comm_.set_activity(activity); }
  [[nodiscard]] std::uint32_t leaf() const { return leaf_; }
  /// Leaves whose tapes this rank keeps at a time, at most.
  [[nodiscard]] std::size_t wave() const { return wave_; }
  [[nodiscard]] const data::Order& order() const { return order_; }
  /// Asked on every rank at every request: the signals that rank has caught.
  void watch_signals(std::function<std::uint32_t()> caught) { caught_ = std::move(caught); }
  /// A failure that tests ask for.
  void inject(Fault fault) { fault_ = std::move(fault); }
  /// Signals that any rank has reported so far.
  [[nodiscard]] std::uint32_t signals() const { return signals_; }
  void forget_signals() { signals_ = 0; }

 private:
  class AskerOracle;
  class Working;
  struct Answer {
    double value = 0;          // mean f_i (gradient)
    std::uint64_t count = 0;   // examples
    std::vector<double> sums;  // along, evaluate
    bool finite = true;        // gradient, hessian_vector: false means nothing was summed
  };

  void announce(Request& request, std::span<const optim::Vector> points);
  void receive(Request& request);  // what a worker does while the coordinator announces
  /// Where the request's points are on this rank; `fresh` ones are to be prepared anew.
  void hold(Request& request, std::span<const optim::Vector> points);
  void exchange_state(math::State& state);
  // Of vectors that are spread over nodes; collective, nothing to do for others.
  void complete(optim::Vector v);            // every node gets what it lacks
  void complete_announced(optim::Vector v);  // the same, from the coordinator while the others serve
  void gather(optim::Vector v);              // rank 0's node gets it, for a while
  void send_parts(optim::Vector v, bool to_coordinator);
  void forget_others_parts(optim::Vector v);  // rank 0's node has only its own again
  // Per-example slots.
  [[nodiscard]] std::uint64_t row_of(const data::Leaf& leaf, std::uint32_t place) const;
  /// The leaf, whose first example is number `first` on this rank, after its phase one.
  void remember(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job);
  /// Takes out of job.places what the request skips, and notes that; and, after phase one, what had no gradient.
  void leave_out(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job);
  void note_visits(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job);
  template <class From, class Place>
  void pass_examples(From from, Place place);
  void collect_examples(std::uint32_t slot, std::span<Real> all);  // on rank 0; empty elsewhere
  void distribute_examples();                                      // from rank 0
  void wait_for_node();
  void expect_pieces_to_travel() const;         // Error(bad_config)
  [[nodiscard]] BlockRange owned() const;       // by this rank
  [[nodiscard]] std::size_t node_part() const;  // elements that this node owns
  [[nodiscard]] bool sharded() const { return options_.placement == Placement::sharded && comm_.node().nodes > 1; }
  [[nodiscard]] bool mirrored() const { return options_.placement != Placement::coordinator && comm_.size() > 1; }
  HeldPoints<Real>& held(const Request& request) { return request.mirrored ? mirrored_ : held_; }
  BlockSpace<Real>& space(Asker asker) { return asker == Asker::method ? space_ : observers_space_; }
  /// Adds up what the nodes have, where there are several: afterwards every node's parts are complete, slice k in part k; in a
  /// sharded step, of slice k what this node owns.
  template <class T>
  std::span<T> slice(std::span<T> whole, int k) const;
  template <class T>
  void sum_nodes(const SharedArray<T>& parts);
  static constexpr std::size_t kPiece = 256;  // elements that stay in the nearest cache through several passes
  /// `scale` times the reduced sums of at most kPiece elements, out[count].
  template <class Out>
  void summed(const math::Block& piece, double scale, Out* out) const;
  template <class T, class Out>
  void summed(const SharedArray<T>& parts, const math::Block& piece, double scale, Out* out) const;
  Answer answer(const Request& request);
  void answer_tiles(const Request& request, Answer& answer);    // gradient, hessian_vector
  void answer_scalars(const Request& request, Answer& answer);  // along, evaluate

  struct Leaves {
    std::vector<data::Leaf> mine;
    std::uint64_t total = 0;  // of all ranks
    std::uint64_t examples = 0;
  };
  /// Also settles whether one thread is enough for the request.
  Leaves leaves_of(const Request& request);
  /// body(task, slot) for every task, by all threads or by one.
  void spread(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) const;
  [[nodiscard]] const data::Dataset<Real>& part(Part part) const;
  /// The request's points, each prepared if it has changed since.
  std::vector<model::Point<Real>> points_of(const Request& request);
  /// `first`: the number, on this rank, of the leaf's first example.
  const data::Examples<Real>& gather(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job);
  /// Where a test asks for it in this request: damages what this rank has to give, or does worse.
  void strike(const Request& request, math::ExactSum& value);
  /// Both phases on this rank's leaves; the sum of their values.
  math::ExactSum run_leaves(const Request& request, const Leaves& leaves, bool again);
  using Points = std::vector<model::Point<Real>>;
  /// `first`: the number, on this rank, of the first leaf's first example.
  void phase_one(const Request& request, const Points& points, std::span<const data::Leaf> leaves, std::size_t first);
  /// True when the tapes of `request`'s first point are there: CG and Lanczos ask for one product after the other at a point.
  [[nodiscard]] bool taped(const Request& request) const;
  void phase_two(const Request& request, std::size_t jobs, std::uint64_t total, bool first);
  /// Verdict of one request: throws comm::AgreedFailure when some rank failed. `maxima` become the maxima over ranks.
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
  std::vector<std::size_t> pieces_;  // elements of this rank's slice by the node that owns them
  VectorStore<Real> store_;
  HeldPoints<Real> held_;      // of announced requests
  HeldPoints<Real> mirrored_;  // of those that every rank makes itself
  ExampleMemory<Real> memory_;
  std::vector<std::vector<Real>> loaded_;  // on rank 0 from load_examples to publish
  std::uint64_t requests_ = 0;
  BlockSpace<Real> space_;  // the method's
  BlockSpace<Real> observers_space_;
  bool stepping_ = false;
  std::int64_t step_ = 0;  // steps done before the one at hand
  std::optional<Fault> fault_;
  std::array<std::unique_ptr<AskerOracle>, 2> oracles_;
  std::function<std::uint32_t()> caught_;
  std::uint32_t signals_ = 0;

  bool few_ = false;                           // the request at hand is for one thread
  std::size_t wave_;                           // leaves whose tapes are kept at a time
  std::vector<LeafJob<Real>> jobs_;            // [wave_]
  std::vector<model::LeafTapes<Real>> tapes_;  // of the jobs in phase two
  std::optional<Request> taped_;               // whose first point's tapes the jobs hold, for all leaves of this rank
  std::vector<double> values_;                 // [leaves of the last wave]
  std::int64_t looked_at_ = 0;                 // examples of this rank in the last request that skips
  std::vector<math::Buffer<Real>> scratch_;    // [threads][TileSum::kTogether * largest tile]: leaves' shares of one tile
  SharedArray<double> sums_;                   // [extent], exact
  SharedArray<Real> fast_;                     // [extent], fast
  std::vector<std::uint32_t> tile_maxima_;     // [tiles]
  std::vector<std::uint32_t> maxima_;          // [tensors]
};

}  // namespace talweg::engine
