// SPDX-License-Identifier: Apache-2.0
// The oracle on one rank against sums written out here. Several ranks: tests/mpi.
#include "engine/engine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <new>
#include <set>

#include "talweg/signals.hpp"
#include "tests/engine/least_squares.hpp"

namespace talweg::test {
namespace {

using engine::Asker;
using optim::Vector;

constexpr std::size_t kCount = 1003;
constexpr std::size_t kFeatures = 5;
constexpr double kL2 = 0.25;
const Vector kX{0};
const Vector kV{1};
const Vector kOut{2};

template <class Real>
struct Fixture {
  explicit Fixture(engine::EngineOptions options = {.batch = 100}, int thread_count = 2)
      : threads(thread_count),
        problem(least_squares<Real>(kCount, kFeatures, kL2)),
        engine(*comm, threads, problem, options, 3) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      engine.store().values(kX)[j] = static_cast<Real>(0.5 - 0.2 * static_cast<double>(j));
      engine.store().values(kV)[j] = static_cast<Real>(std::sin(1.0 + static_cast<double>(j)));
    }
    engine.store().values(kX)[16] = Real(0.3);  // the bias starts at a multiple of 16
    engine.store().values(kV)[16] = Real(-1.5);
  }
  optim::Oracle& oracle() { return engine.oracle(Asker::method); }

  /// sum over the given rows of residual(kX) * (a, 1) / count, written out; the l2 part on the weights.
  std::vector<double> gradient(const std::vector<std::size_t>& rows) {
    std::vector<double> sum(kFeatures + 1);
    const auto x = engine.store().values(kX);
    for (const std::size_t i : rows) {
      double r = static_cast<double>(x[16]) - static_cast<double>(problem.train.targets[i]);
      for (std::size_t j = 0; j < kFeatures; ++j) r += static_cast<double>(x[j]) * row(i)[j];
      for (std::size_t j = 0; j < kFeatures; ++j) sum[j] += r * row(i)[j] / static_cast<double>(rows.size());
      sum[kFeatures] += r / static_cast<double>(rows.size());
    }
    for (std::size_t j = 0; j < kFeatures; ++j) sum[j] += kL2 * static_cast<double>(x[j]);
    return sum;
  }
  std::vector<double> row(std::size_t i) const {
    const Real* from = problem.train.dense.data() + i * kFeatures;
    return std::vector<double>(from, from + kFeatures);
  }
  std::vector<std::size_t> everything() const {
    std::vector<std::size_t> rows(kCount);
    for (std::size_t i = 0; i < kCount; ++i) rows[i] = i;
    return rows;
  }
  void expect_out(const std::vector<double>& expected, double tolerance) {
    const auto out = engine.store().values(kOut);
    for (std::size_t j = 0; j < kFeatures; ++j) EXPECT_NEAR(static_cast<double>(out[j]), expected[j], tolerance) << j;
    EXPECT_NEAR(static_cast<double>(out[16]), expected[kFeatures], tolerance);
  }

  std::unique_ptr<comm::Communicator> comm = comm::alone();
  math::Threads threads;
  engine::LocalSum<Real> problem;
  engine::Engine<Real> engine;
};

template <class Real>
class EngineOf : public testing::Test {
 protected:
  static constexpr double kTolerance = sizeof(Real) == 4 ? 2e-5 : 1e-12;
};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(EngineOf, Precisions);

TYPED_TEST(EngineOf, FullGradientIsTheMeanPlusOmega) {
  Fixture<TypeParam> f;
  const auto answer = f.oracle().gradient_into(kX, f.oracle().all(), kOut);
  f.expect_out(f.gradient(f.everything()), this->kTolerance);
  EXPECT_GT(answer.value, 0);
  EXPECT_EQ(f.engine.meter().of(Asker::method).gradients, static_cast<std::int64_t>(kCount));
}

TYPED_TEST(EngineOf, FastReductionGivesTheSameToRounding) {
  Fixture<TypeParam> f({.batch = 100, .reduction = engine::Reduction::fast});
  f.oracle().gradient_into(kX, f.oracle().all(), kOut);
  f.expect_out(f.gradient(f.everything()), this->kTolerance);
}

TYPED_TEST(EngineOf, MinibatchesOfAnEpochTakeEveryRowOnce) {
  Fixture<TypeParam> f;
  const std::uint64_t steps = f.oracle().batches_per_epoch();
  ASSERT_EQ(steps, 11U);
  std::vector<double> sum(kFeatures + 1);
  for (std::uint64_t t = 0; t < steps; ++t) {
    const auto batch = f.oracle().draw(t);
    f.oracle().gradient_into(kX, batch, kOut);
    const auto out = f.engine.store().values(kOut);
    for (std::size_t j = 0; j <= kFeatures; ++j) {
      const double omega = j < kFeatures ? kL2 * static_cast<double>(f.engine.store().values(kX)[j]) : 0;
      sum[j] += (static_cast<double>(out[j < kFeatures ? j : 16]) - omega) * static_cast<double>(batch.size) / kCount;
    }
  }
  const auto expected = f.gradient(f.everything());
  for (std::size_t j = 0; j <= kFeatures; ++j) {
    const double omega = j < kFeatures ? kL2 * static_cast<double>(f.engine.store().values(kX)[j]) : 0;
    EXPECT_NEAR(sum[j] + omega, expected[j], 5 * this->kTolerance);
  }
}

TYPED_TEST(EngineOf, CombinationOfPointsAndShifts) {
  Fixture<TypeParam> f;
  const auto store =
      math::block_kernel([]<class T>(const math::Block&, math::Arrays<T> b) { std::ranges::copy(b[0], b[1].begin()); });
  const auto all = f.oracle().all();
  // grad(x) - grad(v) + 2 v: least squares is quadratic, so the difference is H (x - v).
  f.oracle().gradient({.terms = {{1, kX}, {-1, kV}}, .shifts = {{2, kV}}, .batch = all}, {store, {kOut}, {}});
  const auto out = f.engine.store().values(kOut);
  const std::vector<TypeParam> combined(out.begin(), out.end());
  auto& space = f.oracle().space();
  const optim::Temporary difference(space);
  space.combine(1, kX, -1, kV, difference);
  f.oracle().hessian_vector(kX, difference, all, kOut);
  space.axpy(2, kV, kOut);
  for (std::size_t j = 0; j < 17; ++j) {
    EXPECT_NEAR(static_cast<double>(combined[j]), static_cast<double>(f.engine.store().values(kOut)[j]), 4 * this->kTolerance)
        << j;
  }
  EXPECT_EQ(f.engine.meter().of(Asker::method).gradients, static_cast<std::int64_t>(2 * kCount))
      << "two points cost two gradients";
  EXPECT_EQ(f.engine.meter().of(Asker::method).hvps, static_cast<std::int64_t>(kCount));
}

TYPED_TEST(EngineOf, ValuesAndSlopesAlongADirection) {
  Fixture<TypeParam> f;
  const std::vector<double> lengths = {0, 0.5, 1e-3};
  const auto line = f.oracle().along(kX, kV, lengths, f.oracle().all());
  ASSERT_EQ(line.size(), 3U);
  const auto g = f.gradient(f.everything());
  double slope = g[kFeatures] * -1.5;
  for (std::size_t j = 0; j < kFeatures; ++j) slope += g[j] * static_cast<double>(f.engine.store().values(kV)[j]);
  EXPECT_NEAR(line[0].slope, slope, 10 * this->kTolerance);
  EXPECT_NEAR((line[2].value - line[0].value) / 1e-3, slope, 0.02 * std::abs(slope));
  // F is quadratic on the line: F(t) = F(0) + t F'(0) + t (F'(t) - F'(0)) / 2.
  EXPECT_NEAR(line[1].value, line[0].value + 0.5 * line[0].slope + 0.25 * (line[1].slope - line[0].slope), 1e-5);
  EXPECT_EQ(f.engine.meter().of(Asker::method).values, static_cast<std::int64_t>(3 * kCount));
}

TEST(Engine, BitsDoNotFollowThreads) {
  Fixture<float> one({.batch = 100}, 1);
  Fixture<float> four({.batch = 100}, 4);
  for (std::uint64_t t = 0; t < 12; ++t) {
    one.oracle().gradient_into(kX, one.oracle().draw(t), kOut);
    four.oracle().gradient_into(kX, four.oracle().draw(t), kOut);
    for (std::size_t j = 0; j < 17; ++j) {
      ASSERT_EQ(one.engine.store().values(kOut)[j], four.engine.store().values(kOut)[j]) << "batch " << t << ", element " << j;
    }
  }
}

TEST(Engine, GrowingGradientsRedoTheLeavesOnceAndAreMetered) {
  Fixture<double> f;
  f.oracle().gradient_into(kX, f.oracle().draw(0), kOut);
  const auto first = f.engine.meter().of(Asker::method).redone;
  EXPECT_EQ(first, 100) << "without a grid the first request is done twice";
  f.oracle().gradient_into(kX, f.oracle().draw(1), kOut);
  EXPECT_EQ(f.engine.meter().of(Asker::method).redone, first) << "a similar gradient fits its grid";
  for (std::size_t j = 0; j < kFeatures; ++j) f.engine.store().values(kX)[j] *= 1e6;
  f.engine.store().touch(kX);
  f.oracle().gradient_into(kX, f.oracle().all(), kOut);
  f.expect_out(f.gradient(f.everything()), 1e-5);
}

TEST(Engine, ObserversDoNotChangeTheMethodsBits) {
  Fixture<float> watched;
  Fixture<float> alone;
  for (std::uint64_t t = 0; t < 5; ++t) {
    watched.engine.oracle(Asker::observer).gradient_into(kX, watched.oracle().all(), kOut);
    watched.engine.evaluate(kX, engine::Part::train);
    watched.oracle().gradient_into(kX, watched.oracle().draw(t), kOut);
    alone.oracle().gradient_into(kX, alone.oracle().draw(t), kOut);
    for (std::size_t j = 0; j < 17; ++j)
      ASSERT_EQ(watched.engine.store().values(kOut)[j], alone.engine.store().values(kOut)[j]);
  }
  EXPECT_EQ(watched.engine.meter().of(Asker::method).gradients, alone.engine.meter().of(Asker::method).gradients);
}

TEST(Engine, NotFiniteIsDivergenceBeforeAnythingIsWritten) {
  Fixture<float> f;
  f.engine.store().values(kX)[0] = std::numeric_limits<float>::quiet_NaN();
  f.engine.store().values(kOut)[3] = 42;
  EXPECT_THROW(f.oracle().gradient_into(kX, f.oracle().draw(0), kOut), optim::Diverged);
  EXPECT_EQ(f.engine.store().values(kOut)[3], 42);
}

TEST(Engine, AThrowingTermIsAnAgreedFailure) {
  Fixture<double> f;
  static_cast<LeastSquares<double>&>(*f.problem.objective).poisoned = 77;
  try {
    f.oracle().gradient_into(kX, f.oracle().all(), kOut);
    FAIL() << "nothing was thrown";
  } catch (const comm::AgreedFailure& e) {
    EXPECT_NE(std::string(e.what()).find("record 77 is poisoned"), std::string::npos) << e.what();
    EXPECT_EQ(e.code(), base::ExitCode::internal);
  }
}

TEST(Engine, EvaluationSumsOverThePart) {
  Fixture<double> f;
  const auto e = f.engine.evaluate(kX, engine::Part::train);
  EXPECT_EQ(e.count, kCount);
  EXPECT_NEAR(e.sums.squared_error, 2 * e.sums.loss, 1e-9 * e.sums.loss);
  double targets = 0;
  for (const double y : f.problem.train.targets) targets += y;
  EXPECT_NEAR(e.sums.target, targets, 1e-9);
  EXPECT_EQ(f.engine.meter().of(Asker::observer).values, static_cast<std::int64_t>(kCount));
}

TEST(Engine, DefaultLeafIsAnEighthWithinBounds) {
  EXPECT_EQ(engine::default_leaf(256), 32U);
  EXPECT_EQ(engine::default_leaf(400), 50U);
  EXPECT_EQ(engine::default_leaf(10000), 64U);
  EXPECT_EQ(engine::default_leaf(7), 7U);
}

TEST(Engine, SignalsCaughtByAnyRankAreSeenAfterTheNextRequest) {
  Fixture<double> f;
  std::uint32_t pending = base::checkpoint_and_stop;
  f.engine.verdicts().watch_signals([&] { return std::exchange(pending, 0U); });
  EXPECT_EQ(f.engine.verdicts().signals(), 0U);
  f.oracle().gradient_into(kX, f.oracle().draw(0), kOut);
  EXPECT_EQ(f.engine.verdicts().signals(), static_cast<std::uint32_t>(base::checkpoint_and_stop));
  f.oracle().gradient_into(kX, f.oracle().draw(1), kOut);
  EXPECT_EQ(f.engine.verdicts().signals(), static_cast<std::uint32_t>(base::checkpoint_and_stop)) << "kept until it is handled";
  f.engine.verdicts().forget_signals();
  EXPECT_EQ(f.engine.verdicts().signals(), 0U);
}

TEST(PreparedPoints, APointThatHasNotChangedIsFreshOnce) {
  engine::PreparedPoints<float> points;
  points.next_request();
  const auto first = points.keep(3, 10);
  EXPECT_TRUE(first.fresh);
  points.next_request();
  EXPECT_FALSE(points.keep(3, 10).fresh);
  points.next_request();
  const auto moved = points.keep(3, 11);
  EXPECT_TRUE(moved.fresh);
  EXPECT_EQ(moved.place, first.place) << "a newer version takes the older one's place";
}

TEST(PreparedPoints, ManyTemporariesShareFewPlacesAndThePointThatIsAskedAboutAgainKeepsIts) {
  engine::PreparedPoints<float> points;
  points.next_request();
  const auto x = points.keep(0, 1);
  for (std::uint32_t t = 1; t < 40; ++t) {
    points.next_request();
    const auto again = points.keep(0, 1);
    const auto v = points.keep(t, 100 + t);
    ASSERT_FALSE(again.fresh);
    ASSERT_EQ(again.place, x.place);
    ASSERT_TRUE(v.fresh);
    ASSERT_NE(v.place, x.place);
  }
  points.next_request();
  EXPECT_TRUE(points.keep(1, 101).fresh) << "long not asked about";
}

TEST(PreparedPoints, PointsOfOneRequestDoNotTakeEachOthersPlaces) {
  engine::PreparedPoints<float> points;
  for (std::uint64_t request = 1; request < 9; ++request) {
    points.next_request();
    std::set<std::uint32_t> places;
    for (std::uint32_t k = 0; k < engine::Query::kPoints; ++k)
      places.insert(points.keep(10 * static_cast<std::uint32_t>(request) + k, 50 * request + k).place);
    EXPECT_EQ(places.size(), engine::Query::kPoints);
  }
}

// Products at one point, one after the other, go through phase one once; whatever else is asked in between makes it new.
TEST(Engine, HessianVectorProductsShareTheTapesOfAPoint) {
  Fixture<double> f;
  auto& objective = static_cast<LeastSquares<double>&>(*f.problem.objective);
  const auto product = [&](const optim::Batch& batch) {
    f.oracle().hessian_vector(kX, kV, batch, kOut);
    const auto out = f.engine.store().values(kOut);
    return std::vector<double>(out.begin(), out.end());
  };
  const auto leaves_of = [&](auto request) {
    const int before = objective.forwards;
    request();
    return objective.forwards - before;
  };
  const optim::Batch batch = f.oracle().draw(0);
  std::vector<double> first, again;
  const int leaves = leaves_of([&] { first = product(batch); });
  EXPECT_GT(leaves, 1);
  EXPECT_EQ(leaves_of([&] { again = product(batch); }), 0);
  EXPECT_EQ(again, first);
  EXPECT_EQ(leaves_of([&] { product(f.oracle().draw(1)); }), leaves) << "another batch";
  EXPECT_EQ(leaves_of([&] { f.oracle().gradient_into(kX, batch, kOut); }), leaves);
  EXPECT_EQ(leaves_of([&] { again = product(batch); }), 0) << "a gradient's tapes serve too";
  for (std::size_t j = 0; j < first.size(); ++j) EXPECT_NEAR(again[j], first[j], 1e-12);  // on the grid of another batch
  f.oracle().along(kX, kV, std::vector<double>{0.5}, batch);
  EXPECT_EQ(leaves_of([&] { product(batch); }), leaves) << "a line used the tapes";
  f.engine.store().values(kX)[0] += 1;
  f.engine.store().touch(kX);
  EXPECT_EQ(leaves_of([&] { product(batch); }), leaves) << "the point moved";
}

}  // namespace
}  // namespace talweg::test
