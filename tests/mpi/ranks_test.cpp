// SPDX-License-Identifier: Apache-2.0
// Run by mpirun on 1 to 4 ranks: communication between ranks, and the engine's answers against those of one rank.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "comm/agree.hpp"
#include "talweg/sums.hpp"
#include "talweg/method.hpp"
#include "tests/engine/least_squares.hpp"
#include "tests/mpi/worlds.hpp"

namespace talweg::test {
namespace {

TEST(Ranks, SumsMaximaAndBroadcastsReachEveryRank) {
  const int n = world->size();
  // More than the pieces of 1 MB a sum is sent in.
  std::vector<double> large(300001);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<double>(i) + world->rank();
  world->sum(large);
  for (std::size_t i = 0; i < large.size(); i += 997) ASSERT_EQ(large[i], static_cast<double>(i) * n + n * (n - 1) / 2.0) << i;
  ASSERT_EQ(large.back(), 300000.0 * n + n * (n - 1) / 2.0);
  std::vector<float> floats(2, static_cast<float>(world->rank() + 1));
  world->sum(floats);
  EXPECT_EQ(floats[1], static_cast<float>(n * (n + 1) / 2));
  std::vector<std::int64_t> integers = {std::int64_t{1} << 40};
  world->sum(integers);
  EXPECT_EQ(integers[0], static_cast<std::int64_t>(n) << 40);
  std::vector<std::uint32_t> words = {static_cast<std::uint32_t>(world->rank()), 7};
  world->max(words);
  EXPECT_EQ(words[0], static_cast<std::uint32_t>(n - 1));
  EXPECT_EQ(world->broadcast_text(world->rank() == 0 ? std::string(2 << 20, 'x') : "mine"), std::string(2 << 20, 'x'));
  EXPECT_GT(world->traffic().messages, 0U);
}

TEST(Ranks, OfANodeSeeEachOthersMemory) {
  const comm::Node node = world->node();
  EXPECT_EQ(node.nodes, 1);
  EXPECT_EQ(node.places, world->size());
  EXPECT_EQ(node.place, world->rank());
  const auto memory = world->share(8 * static_cast<std::size_t>(node.place + 1));
  const auto last = [&](int place) -> double& {
    return reinterpret_cast<double*>(memory->part(place).data())[place];  // of the elements asked for
  };
  EXPECT_EQ(last(node.place), 0);
  last(node.place) = 10.0 + node.place;
  std::array<double, 1> one = {1};
  world->sum(one, comm::Group::node);
  EXPECT_EQ(one[0], node.places);
  for (int place = 0; place < node.places; ++place) EXPECT_EQ(last(place), 10.0 + place);
  world->sum(one);  // a barrier: no rank releases the memory while others read it
}

TEST(Ranks, StandInRowsAcrossNodes) {
  const comm::Node node = pairs->node();
  const int n = pairs->size();
  EXPECT_EQ(node.nodes, (n + 1) / 2);
  EXPECT_EQ(node.index, pairs->rank() / 2);
  EXPECT_EQ(node.place, pairs->rank() % 2);
  EXPECT_EQ(node.slices, n % 2 == 0 ? 2 : 1);
  if (node.place >= node.slices) return;
  std::array<double, 1> ranks = {static_cast<double>(pairs->rank())};
  pairs->sum(ranks, comm::Group::across);
  double expected = 0;
  for (int r = node.place; r < n; r += 2) expected += r;
  EXPECT_EQ(ranks[0], expected);
}

TEST(Ranks, CutSumsOverNodesAndGatherThemAgain) {
  for (comm::Communicator* comm : {pairs.get(), singles.get()}) {
    const comm::Node node = comm->node();
    if (node.place >= node.slices) continue;
    // Several rounds of 1 MB; the pieces differ, and the last node has none.
    std::vector<std::size_t> pieces(static_cast<std::size_t>(node.nodes));
    for (std::size_t j = 0; j + 1 < pieces.size(); ++j) pieces[j] = 150001 + 1000 * j;
    if (pieces.size() == 1) pieces[0] = 150001;
    std::vector<double> values(std::accumulate(pieces.begin(), pieces.end(), std::size_t{0}));
    const auto value = [](std::size_t i, int index) { return static_cast<double>(i % 1000) * (index + 1); };
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value(i, node.index);
    const std::vector<double> own = values;
    comm->reduce_scatter(values, pieces);
    const auto j = static_cast<std::size_t>(node.index);
    const std::size_t first = std::accumulate(pieces.begin(), pieces.begin() + node.index, std::size_t{0});
    for (std::size_t i = first; i < first + pieces[j]; ++i)
      ASSERT_EQ(values[i], value(i, node.nodes * (node.nodes + 1) / 2 - 1)) << i;
    comm->allgather(values, pieces);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], value(i, node.nodes * (node.nodes + 1) / 2 - 1)) << i;
    std::vector<float> floats(own.begin(), own.end());
    comm->reduce_scatter(floats, pieces);
    comm->allgather(floats, pieces);
    EXPECT_EQ(floats[999], static_cast<float>(value(999, node.nodes * (node.nodes + 1) / 2 - 1)));
    if (node.nodes == 1) continue;
    std::vector<double> sent(200000, node.index);
    comm->send(std::as_writable_bytes(std::span(sent)), 0, node.nodes - 1);
    EXPECT_EQ(sent.back(), node.index == node.nodes - 1 ? 0 : node.index);
  }
}

TEST(Ranks, AFailureOnOneRankIsEveryRanks) {
  const int last = world->size() - 1;
  try {
    comm::run_on_all_ranks(*world, [&] {
      if (world->rank() == last) base::fail(base::ExitCode::bad_data, "broken on purpose");
    });
    FAIL() << "rank " << world->rank() << " did not learn of it";
  } catch (const comm::AgreedFailure& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_data);
    EXPECT_NE(std::string(e.what()).find("broken on purpose"), std::string::npos);
    if (last > 0) {
      EXPECT_NE(std::string(e.what()).find("rank " + std::to_string(last)), std::string::npos) << e.what();
    }
  }
  EXPECT_NO_THROW(comm::run_on_all_ranks(*world, [] {})) << "and they are in step afterwards";
}

// A rank without leaves in a request keeps nothing: the place of its taped point may have gone to another point meanwhile.
TEST(Ranks, TapesAreForgottenWhereARequestHadNoLeaves) {
  const math::Threads threads(1);
  auto problem = least_squares<double>(1003, 5, 0.25, world->rank(), world->size());
  auto& objective = static_cast<LeastSquares<double>&>(*problem.objective);
  // One leaf a batch: all ranks but one have none.
  engine::Engine<double> engine(*world, threads, problem, {.batch = 64, .leaf = 64}, 3);
  const optim::Vector x{0}, v{1}, out{2};
  optim::Oracle& oracle = engine.oracle(engine::Asker::method);
  oracle.gradient_into(x, oracle.all(), out);
  engine.pretend_changed(x);
  oracle.gradient_into(x, oracle.draw(0), out);
  oracle.hessian_vector(x, v, oracle.all(), out);
  const auto owned = [&](const std::vector<data::Leaf>& leaves) {
    return static_cast<int>(std::ranges::count_if(leaves, [&](const data::Leaf& leaf) { return problem.train.owns(leaf); }));
  };
  // Both gradients may redo phase two, never phase one; the first product goes through it again on every rank.
  EXPECT_EQ(objective.forwards, 2 * owned(engine.order().all(64)) + owned(engine.order().leaves(0)));
}

/// Gradients, products, values and slopes on these ranks; vectors come back on rank 0 only.
template <class Real>
std::vector<double> answers(comm::Communicator& comm, engine::Reduction reduction, std::uint64_t poisoned = ~0ULL) {
  const math::Threads threads(2);
  auto problem = least_squares<Real>(1003, 5, 0.25, comm.rank(), comm.size());
  static_cast<LeastSquares<Real>&>(*problem.objective).poisoned = poisoned;
  math::StateLayout layout;
  const optim::Vector x = layout.vector("x"), v = layout.vector("v"), out = layout.vector("out");
  math::State state(layout);
  engine::Engine<Real> engine(comm, threads, problem, {.batch = 100, .reduction = reduction}, 3);
  for (std::size_t j = 0; j < 17 && comm.coordinator(); ++j) {
    engine.store().values(x)[j] = static_cast<Real>(0.1 * static_cast<double>(j) - 0.3);
    engine.store().values(v)[j] = static_cast<Real>(std::cos(static_cast<double>(j)));
  }
  engine.distribute(state);
  std::vector<double> all;
  const auto keep = [&] {
    engine.read(out, [&](engine::ConstValues values) {
      for (const Real value : std::get<std::span<const Real>>(values)) all.push_back(static_cast<double>(value));
    });
    comm::run_on_all_ranks(comm, [] {});  // nobody writes before rank 0 has read
  };
  optim::Oracle& oracle = engine.oracle(engine::Asker::method);
  for (std::uint64_t t = 0; t < 13; ++t) {
    all.push_back(oracle.gradient_into(x, oracle.draw(t), out).value);
    keep();
    oracle.space().axpy(-0.01, out, x);
  }
  oracle.hessian_vector(x, v, oracle.all(), out);
  keep();
  for (const optim::LinePoint& p : oracle.along(x, v, std::vector<double>{0, 0.5}, oracle.all())) {
    all.push_back(p.value);
    all.push_back(p.slope);
  }
  all.push_back(engine.evaluate(x, engine::Part::train).sums.loss);
  return all;
}

template <class Real>
void same_as_alone() {
  const auto together = answers<Real>(*world, engine::Reduction::exact);
  if (!world->coordinator()) return;
  const auto alone = comm::alone();
  EXPECT_EQ(together, answers<Real>(*alone, engine::Reduction::exact));
}

TEST(Ranks, TheEnginesBitsAreThoseOfOneRank) {
  same_as_alone<float>();
  same_as_alone<double>();
}

TEST(Ranks, FastReductionAgreesToRounding) {
  const auto fast = answers<float>(*world, engine::Reduction::fast);
  if (!world->coordinator()) return;
  const auto alone = comm::alone();
  const auto exact = answers<float>(*alone, engine::Reduction::exact);
  ASSERT_EQ(fast.size(), exact.size());
  for (std::size_t i = 0; i < fast.size(); ++i) EXPECT_NEAR(fast[i], exact[i], 1e-4 * (1 + std::abs(exact[i])));
}

/// A made-up method of every verb, run by every rank. What all ranks know comes back on all of them, whole vectors on rank 0.
template <class Real>
std::vector<double> steps(comm::Communicator& comm, engine::Placement placement, std::size_t features) {
  const math::Threads threads(2);
  auto problem = least_squares<Real>(203, features, 0.25, comm.rank(), comm.size());
  math::StateLayout layout;
  const optim::Vector x = layout.vector("x");
  const optim::Vector v = layout.vector("v");
  const optim::Vector sum = layout.vector("sum");  // never asked about
  const optim::Vector kept = layout.vector("kept");
  layout.scalar("slope");
  layout.array("table.0", 1);
  layout.array("table.1", 3);
  math::State state(layout);
  engine::Engine<Real> engine(comm, threads, problem, {.batch = 60, .placement = placement}, layout.vectors().size());
  const auto step = [&](const optim::Progress& progress) {
    optim::Oracle& oracle = engine.oracle(engine::Asker::method);
    const optim::Batch batch = oracle.draw(static_cast<std::uint64_t>(progress.step));
    const optim::Temporary g(oracle.space());
    const optim::Temporary h(oracle.space());
    oracle.gradient_into(x, batch, g);
    oracle.hessian_vector(x, v, batch, h);
    state.scalar("slope") += oracle.along(x, g, std::vector<double>{0, -0.001}, oracle.all())[1].slope;
    oracle.space().axpy(1, g, sum);
    oracle.space().axpy(-1e-3 * progress.factor, sum, x);
    oracle.space().axpy(1e-9 * state.scalar("slope") / oracle.space().norm(h), h, v);
    // Whole tensors, and a table for each that its rank alone fills.
    const std::array tables = {state.array("table.0"), state.array("table.1")};
    const auto kernel = math::block_kernel([&]<class T>(const math::Block& whole, math::Arrays<T> a) {
      std::ranges::reverse(a[0]);
      for (double& t : tables[whole.tensor]) t = 0.5 * t + math::squared_norm<T>(a[0]) + static_cast<double>(a[1][0]);
    });
    oracle.space().for_each_tensor({{h}}, {{v}}, kernel, tables);
    const auto norms = math::block_kernel(
        []<class T>(const math::Block&, math::Arrays<T> a) { return math::Sums{math::squared_norm<T>(a[0])}; });
    const double bias = oracle.space().per_tensor({}, {{h}}, norms).at(1)[0];
    oracle.space().axpy(1e-9 / (1 + bias + tables[0][0] + tables[1][2]), h, v);
  };
  const std::size_t extent = problem.objective->layout().extent();
  for (std::size_t j = 0; j < extent && comm.coordinator(); ++j) {
    const bool padding = j >= features && j < extent - 16;
    engine.store().values(x)[j] = padding ? Real(0) : static_cast<Real>(1e-3 * std::sin(static_cast<double>(j)));
    engine.store().values(v)[j] = padding ? Real(0) : static_cast<Real>(std::cos(static_cast<double>(j)));
  }
  if (comm.coordinator()) state.scalar("slope") = 2;  // as if resumed: the others must learn of it
  engine.distribute(state);
  std::vector<double> all;
  for (std::int64_t t = 0; t < 7; ++t) {
    const optim::Progress progress{.step = t, .factor = 1.0 / static_cast<double>(t + 1), .seed = 1};
    step(progress);
    optim::Oracle& observer = engine.oracle(engine::Asker::observer);
    const optim::Temporary gradient(observer.space());
    all.push_back(std::sqrt(observer.gradient_into(x, observer.all(), gradient).sums[0]));
    all.push_back(observer.smooth_omega(x) + observer.smooth_omega(sum));
    all.push_back(engine.evaluate(x, engine::Part::train).sums.loss);
  }
  all.push_back(state.scalar("slope"));
  for (const char* table : {"table.0", "table.1"}) all.insert(all.end(), state.array(table).begin(), state.array(table).end());
  engine.oracle(engine::Asker::observer).space().copy(v, kept);
  for (const optim::Vector vector : {x, v, kept}) {
    engine.read(vector, [&](engine::ConstValues read) {
      const auto values = std::get<std::span<const Real>>(read);
      all.insert(all.end(), values.begin(), values.end());
    });
  }
  return all;
}

TEST(Ranks, EveryPlacementOnOneOrSeveralNodesHasTheBitsOfOneRank) {
  for (const std::size_t features : {5U, 9001U}) {  // fewer blocks than ranks, and more
    const auto expected = steps<float>(*comm::alone(), engine::Placement::coordinator, features);
    for (comm::Communicator* comm : {world.get(), pairs.get(), singles.get()}) {
      if (comm != world.get() && comm->node().nodes == 1) continue;  // the same again
      for (const auto placement : {engine::Placement::coordinator, engine::Placement::replicated, engine::Placement::sharded}) {
        const auto found = steps<float>(*comm, placement, features);
        if (!world->coordinator()) continue;
        EXPECT_TRUE(found == expected) << features << " features, " << comm->node().nodes << " nodes, placement "
                                       << engine::name_of(placement);
      }
    }
  }
}

TEST(Ranks, ATermThatThrowsOnOneRankEndsAllWithItsMessage) {
  try {
    answers<double>(*world, engine::Reduction::exact, 500);
    FAIL() << "rank " << world->rank() << " went on";
  } catch (const comm::AgreedFailure& e) {
    EXPECT_NE(std::string(e.what()).find("record 500 is poisoned"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace talweg::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const talweg::comm::Mpi mpi;
  talweg::test::world = mpi.world();
  talweg::test::pairs = mpi.world(2);
  talweg::test::singles = mpi.world(1);
  // Every rank runs the same tests; rank 0 prints, a failure on any rank fails the job.
  if (talweg::test::world->rank() != 0)
    delete testing::UnitTest::GetInstance()->listeners().Release(
        testing::UnitTest::GetInstance()->listeners().default_result_printer());
  const int code = RUN_ALL_TESTS();
  talweg::test::singles.reset();
  talweg::test::pairs.reset();
  talweg::test::world.reset();
  return code;
}
