// SPDX-License-Identifier: Apache-2.0
// What Method::step adds to every method's advance(): numbers that are put back, notes, the norm of x.
#include "talweg/method.hpp"

#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

using optim::Outcome;

/// Changes every number of the state, takes two notes, and ends as it is told.
class Scripted final : public optim::Method {
 public:
  optim::StepReport report{};
  bool throws = false;

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.scalar("length", 1);
    layout.counter("restarts");
    layout.array("products", 3, 2);
    layout.array("engine.grids", 2, 7);
  }
  optim::Cost cost(const optim::CostPoint&) const override { return {}; }

 private:
  optim::StepReport advance(optim::StepContext& context) const override {
    context.state.scalar("length") = 5;
    context.state.counter("restarts") = 6;
    for (const char* name : {"products", "engine.grids"}) std::ranges::fill(context.state.array(name), 8);
    context.note("found L");
    context.note("began");
    if (throws) throw optim::Diverged("not finite");
    return report;
  }
};

struct Fixture {
  Scripted method;
  math::State state = [this] {
    math::StateLayout layout;
    layout.vector("x");
    method.declare(layout, {});
    return math::State(std::move(layout));
  }();
  SerialOracle<double> oracle{quadratic({1, 1}), 0, 1};
  optim::Progress progress{};

  Fixture() { oracle.scatter({3, 4}, oracle.space().at(state.vector("x"))); }
  optim::StepReport step() {
    optim::StepContext context{oracle, state, progress};
    return method.step(context);
  }
  bool put_back() { return state.scalar("length") == 1 && state.counter("restarts") == 0 && state.array("products")[2] == 2; }
};

TEST(Method, NumbersArePutBackUnlessTheStepWasTaken) {
  for (const Outcome outcome : {Outcome::going_on, Outcome::converged, Outcome::ended, Outcome::stuck, Outcome::failed}) {
    Fixture f;
    f.method.report.outcome = outcome;
    EXPECT_EQ(f.step().outcome, outcome);
    EXPECT_EQ(f.put_back(), outcome == Outcome::stuck || outcome == Outcome::failed) << static_cast<int>(outcome);
  }
  Fixture f;
  f.method.throws = true;
  EXPECT_THROW(f.step(), optim::Diverged);
  EXPECT_TRUE(f.put_back());
  EXPECT_EQ(f.state.array("engine.grids")[0], 8) << "the engine's arrays are its own affair";
}

TEST(Method, NotesAreTheMessageUnlessTheStepHasOne) {
  Fixture f;
  EXPECT_EQ(f.step().message, "found L; began");
  f.method.report.message = "converged";
  EXPECT_EQ(f.step().message, "converged");
}

TEST(Method, TheNormOfXIsFilledInWhereItIsNotGiven) {
  Fixture f;
  EXPECT_DOUBLE_EQ(f.step().parameter_norm, 5);
  f.method.report.parameter_norm = 2;
  EXPECT_EQ(f.step().parameter_norm, 2);
  f.method.report.parameter_norm = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(f.step().parameter_norm)) << "a broken output must not hide behind a finite x";
}

}  // namespace
}  // namespace talweg::test
