// SPDX-License-Identifier: Apache-2.0
#include "train/memory.hpp"

#include <gtest/gtest.h>

#include "engine/problem.hpp"

namespace talweg::train {
namespace {

class Vector1000 final : public model::UserTerms {
 public:
  std::vector<model::UserTensor> tensors() const override { return {{"w", {1000}}}; }
  double value_and_gradient(std::span<const double>, const model::UserExample&, std::span<double>) const override { return 0; }
};

/// In float32, on one row.
std::unique_ptr<engine::Problem> vector_of_1000() {
  const model::UserRows row{.count = 1, .features = 1, .rows = {0}, .targets = {0}};
  engine::ProblemSource source;
  source.terms = std::make_shared<Vector1000>();
  source.rows = &row;
  return engine::load(source, 0, 1, {});
}

TEST(Memory, EachPlacementHoldsTheStateItsWay) {
  const auto problem = vector_of_1000();
  const auto vector = 4.0 * static_cast<double>(problem->layout().extent());
  math::StateLayout state;
  for (const char* name : {"x", "a", "b", "c", "d"}) state.vector(name);
  const auto of = [&](engine::Placement placement, int nodes) { return vector_memory(*problem, state, 1, placement, nodes); };
  const VectorMemory coordinator = of(engine::Placement::coordinator, 4);
  EXPECT_EQ(coordinator.state_first, 5 * vector);
  EXPECT_EQ(coordinator.state_other, vector) << "the point that rank 0 sends";
  const VectorMemory replicated = of(engine::Placement::replicated, 4);
  EXPECT_EQ(replicated.state_first, 5 * vector);
  EXPECT_EQ(replicated.state_other, 5 * vector);
  const VectorMemory sharded = of(engine::Placement::sharded, 4);
  EXPECT_EQ(sharded.state_first, 2 * vector) << "x, and a quarter of the four others";
  EXPECT_EQ(sharded.state_other, 2 * vector);
  EXPECT_EQ(of(engine::Placement::sharded, 1).state_first, 5 * vector) << "nothing to divide";
  EXPECT_EQ(vector_memory(*problem, state, 2, engine::Placement::sharded, 3).state_other, 3 * vector)
      << "x and the average that is evaluated, and a third of the three others";
  EXPECT_GE(sharded.rank, 2 * vector) << "the exact sums are doubles";
  state.array("table", 300);
  EXPECT_EQ(of(engine::Placement::sharded, 4).rank, sharded.rank + 2 * 8 * 300) << "every rank has the tables, twice in a step";
}

TEST(Memory, TheCoordinatorHoldsTheCopyThatCheckpointsAreWrittenFrom) {
  const auto problem = vector_of_1000();
  const auto vector = 4.0 * static_cast<double>(problem->layout().extent());
  math::StateLayout state;
  for (const char* name : {"x", "a", "b", "c", "d"}) state.vector(name);
  const auto more = [&](engine::Placement placement, int nodes) {
    const VectorMemory m = vector_memory(*problem, state, 1, placement, nodes);
    EXPECT_EQ(m.coordinator(false), m.state_first + m.rank);
    return m.coordinator(true) - m.coordinator(false);
  };
  EXPECT_EQ(more(engine::Placement::coordinator, 4), 5 * vector);
  EXPECT_EQ(more(engine::Placement::replicated, 1), 5 * vector);
  EXPECT_EQ(more(engine::Placement::sharded, 1), 5 * vector);
  EXPECT_EQ(more(engine::Placement::sharded, 4), 6 * vector) << "and one that is gathered at a time";
}

}  // namespace
}  // namespace talweg::train
