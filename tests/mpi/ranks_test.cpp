// SPDX-License-Identifier: Apache-2.0
// Run by mpirun on 1 to 4 ranks: what the ranks say to each other, and the engine's answers against those of one rank.
#include <gtest/gtest.h>

#include <cmath>

#include "talweg/comm/agree.hpp"
#include "tests/engine/least_squares.hpp"

namespace talweg::test {
namespace {

std::unique_ptr<comm::Communicator> world;

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

TEST(Ranks, AFailureOnOneRankIsEveryRanks) {
  const int last = world->size() - 1;
  try {
    comm::together(*world, [&] {
      if (world->rank() == last) base::fail(base::ExitCode::bad_data, "broken on purpose");
    });
    FAIL() << "rank " << world->rank() << " did not learn of it";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_data);
    EXPECT_NE(std::string(e.what()).find("broken on purpose"), std::string::npos);
    if (last > 0) {
      EXPECT_NE(std::string(e.what()).find("rank " + std::to_string(last)), std::string::npos) << e.what();
    }
  }
  EXPECT_NO_THROW(comm::together(*world, [] {})) << "and they are in step afterwards";
}

/// Gradients, products, values and slopes on these ranks; only the coordinator's come back.
template <class Real>
std::vector<double> answers(comm::Communicator& comm, engine::Reduction reduction, std::uint64_t poisoned = ~0ULL) {
  const math::Threads threads(2);
  auto problem = least_squares<Real>(1003, 5, 0.25, comm.rank(), comm.size());
  static_cast<LeastSquares<Real>&>(*problem.objective).poisoned = poisoned;
  engine::Engine<Real> engine(comm, threads, problem, {.batch = 100, .reduction = reduction}, 3);
  if (!comm.coordinator()) {
    engine.serve();
    return {};
  }
  const optim::Vector x{0}, v{1}, out{2};
  for (std::size_t j = 0; j < 17; ++j) {
    engine.store().values(x)[j] = static_cast<Real>(0.1 * static_cast<double>(j) - 0.3);
    engine.store().values(v)[j] = static_cast<Real>(std::cos(static_cast<double>(j)));
  }
  std::vector<double> all;
  const auto keep = [&] {
    for (const Real value : engine.store().values(out)) all.push_back(static_cast<double>(value));
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
  engine.stop(base::ExitCode::finished);
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

TEST(Ranks, ATermThatThrowsOnOneRankEndsAllWithItsMessage) {
  try {
    answers<double>(*world, engine::Reduction::exact, 500);
    FAIL() << "rank " << world->rank() << " went on";
  } catch (const engine::AgreedFailure& e) {
    EXPECT_NE(std::string(e.what()).find("record 500 is poisoned"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace talweg::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const talweg::comm::Mpi mpi;
  talweg::test::world = mpi.world();
  // Every rank runs the same tests; rank 0 speaks, a failure on any rank fails the job.
  if (talweg::test::world->rank() != 0)
    delete testing::UnitTest::GetInstance()->listeners().Release(
        testing::UnitTest::GetInstance()->listeners().default_result_printer());
  const int code = RUN_ALL_TESTS();
  talweg::test::world.reset();
  return code;
}
