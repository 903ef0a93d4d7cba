// SPDX-License-Identifier: Apache-2.0
// What each placement sends in a step and holds on a node: the table of src/comm/README.md, counted. The two bytes by which
// the ranks agree after a step are the loop's, and not counted here.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "math/exact_sum.hpp"
#include "talweg/method.hpp"
#include "tests/engine/least_squares.hpp"
#include "tests/mpi/worlds.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kFeatures = 140000;  // the sums take more than one piece of 1 MB
constexpr std::size_t kMoments = 6;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

/// Bytes of shared memory that this process has and has used.
std::size_t resident_shared() {
  std::ifstream maps("/proc/self/smaps");
  std::size_t kilobytes = 0;
  bool ours = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:talweg") != std::string::npos) {
      ours = true;
    } else if (ours && line.starts_with("Rss:")) {
      kilobytes += std::stoul(line.substr(4));
      ours = false;
    }
  }
  return kilobytes * 1024;
}

struct Found {
  comm::Traffic traffic;     // of the coordinator in one step
  std::size_t store = 0;     // what the engine says this rank's node holds in vectors
  std::size_t resident = 0;  // of shared memory, on this rank
  math::ParameterLayout layout;
};

/// Steps like Adam's: a gradient at x, x and moments written by its sink. Then all of the state is read, as for a checkpoint.
Found adam_like(comm::Communicator& comm, engine::Placement placement) {
  const std::size_t before = resident_shared();
  const math::Threads threads(1);
  auto problem = least_squares<float>(8, kFeatures, 0.25, comm.rank(), comm.size());
  math::StateLayout layout;
  const optim::Vector x = layout.vector("x");
  std::vector<optim::Vector> writes = {x};
  for (std::size_t k = 0; k < kMoments; ++k) writes.push_back(layout.vector("m" + std::to_string(k)));
  math::State state(layout);
  engine::Engine<float> engine(comm, threads, problem, {.batch = 8, .placement = placement}, layout.vectors().size());
  const auto kernel = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
    for (std::size_t i = 0; i < v.count; ++i) {
      v[1][i] -= static_cast<Real>(1e-9) * v[0][i];
      for (std::size_t k = 0; k < kMoments; ++k) v[2 + k][i] += v[0][i];
    }
    return math::Sums{1};
  });
  const auto step = [&](const optim::Progress& progress) {
    optim::Oracle& oracle = engine.oracle(engine::Asker::method);
    oracle.gradient({.terms = {{1.0, x}}, .shifts = {}, .batch = oracle.draw(static_cast<std::uint64_t>(progress.step))},
                    {.kernel = kernel, .writes = writes, .reads = {}});
  };
  Found found;
  engine.distribute(state);
  for (std::int64_t t = 0; t < 4; ++t) {
    const comm::Traffic start = comm.traffic();
    step({.step = t});
    found.traffic = {comm.traffic().messages - start.messages, comm.traffic().bytes - start.bytes};
  }
  for (const optim::Vector v : writes) {
    engine.read(v, [](engine::ConstValues values) { ASSERT_NE(std::get<std::span<const float>>(values)[kFeatures - 1], 0); });
  }
  found.store = engine.store().bytes();
  found.resident = resident_shared() - before;
  found.layout = problem.objective->layout();
  return found;
}

TEST(Placements, SendWhatTheTableSays) {
  for (comm::Communicator* comm : {world.get(), pairs.get(), singles.get()}) {
    const comm::Node node = comm->node();
    const auto nodes = static_cast<std::size_t>(node.nodes);
    for (const auto placement : {engine::Placement::coordinator, engine::Placement::replicated, engine::Placement::sharded}) {
      const Found found = adam_like(*comm, placement);
      if (!comm->coordinator() || comm->size() == 1) continue;
      const math::ParameterLayout& layout = found.layout;
      const engine::Owners owners(layout, placement, *comm);
      const std::size_t slice = owners.slice(0).count;
      std::size_t messages = 0;
      std::size_t bytes = 0;
      const auto send = [&](std::size_t some, std::size_t in) {
        messages += in;
        bytes += some;
      };
      const auto pieces_of_a_megabyte = [](std::size_t some) { return (some + kMegabyte - 1) / kMegabyte; };
      send(4 * (4 + layout.tensors().size()), 1);     // the verdict
      send(8 * math::ExactSum().digits().size(), 1);  // the loss
      send(32 * layout.blocks().size(), 1);           // norms
      if (owners.spreads()) {
        const std::size_t a_round = kMegabyte / 8 / nodes;
        send(8 * slice, (std::ranges::max(owners.pieces(0)) + a_round - 1) / a_round);  // reduce-scatter
        const bool one_rank = placement == engine::Placement::coordinator;
        send(4 * slice, one_rank ? pieces_of_a_megabyte(4 * slice) : 1);  // broadcast or allgather of the point
        send(8, 1);                                                       // the node has the point
      } else if (nodes > 1) {
        send(8 * slice, pieces_of_a_megabyte(8 * slice));  // allreduce
      }
      const std::string where = fmt::format("placement {}, {} nodes of {}", engine::name_of(placement), nodes, node.places);
      EXPECT_EQ(found.traffic.messages, messages) << where;
      EXPECT_EQ(found.traffic.bytes, bytes) << where;
    }
  }
}

TEST(Placements, HoldWhatTheTableSays) {
  comm::Communicator& comm = *singles;
  const auto nodes = static_cast<std::size_t>(comm.size());
  if (nodes == 1) return;
  const Found replicated = adam_like(comm, engine::Placement::replicated);
  const Found sharded = adam_like(comm, engine::Placement::sharded);
  const std::size_t vector = 4 * sharded.layout.extent();
  const engine::Owners owners(sharded.layout, engine::Placement::sharded, comm);
  const std::size_t part = 4 * owners.elements_of_node();
  EXPECT_EQ(replicated.store, (1 + kMoments) * vector);
  EXPECT_EQ(sharded.store, vector + kMoments * part);
  EXPECT_LE(part, vector / nodes + 4 * math::ParameterLayout::kBlock);
  const std::size_t sums = 2 * vector;
  constexpr std::size_t kEdges = 16384;  // pages that a vector's part begins and ends in, and one of the padding
  EXPECT_GE(replicated.resident, sums + replicated.store);
  EXPECT_GE(sharded.resident, sums + sharded.store);
  EXPECT_LE(sharded.resident, sums + sharded.store + (2 + kMoments) * kEdges) << "also after a checkpoint was gathered";
}

}  // namespace
}  // namespace talweg::test
