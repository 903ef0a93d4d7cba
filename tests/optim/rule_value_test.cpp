// SPDX-License-Identifier: Apache-2.0
// talweg/rule.hpp: what make_rule makes of a struct with an element function.
#include "talweg/error.hpp"
#include "talweg/rule.hpp"
#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

using optim::Range;
using optim::RuleStep;
using optim::Section;

/// One block of two elements of every vector, and a step of the rule on it.
template <class Real>
struct TwoElements {
  std::vector<Real> x = {1, 2};
  std::vector<Real> g = {3, 4};
  std::vector<std::vector<Real>> vectors{};  // slots, then reads
  std::size_t slots = 0;
  std::vector<Real> steps{};  // of a prox that couples coordinates
  math::State state{math::StateLayout{}};

  void update(const optim::UpdateRule& rule, const math::Proximal* proximal = nullptr) {
    SerialOracle<Real> oracle(quadratic({1, 1}), 0, 1);
    math::StateLayout layout;
    rule.declare(layout, {});
    state = math::State(layout);
    const optim::Progress progress;
    optim::StepContext context{oracle, state, progress};
    RuleStep step{.context = context, .t = 1, .lr = rule.lr(), .factor = 1, .g = {}};
    std::vector<Real*> data;
    for (auto& v : vectors) data.push_back(v.data());
    const math::Block block{0, 0, 0, 2};
    rule.begin(step).loop->run(optim::RuleBlock<Real>{.block = block,
                                                      .count = 2,
                                                      .x = x.data(),
                                                      .before = x.data(),
                                                      .g = g.data(),
                                                      .slots = std::span(data).first(slots),
                                                      .reads = std::span(data).subspan(slots),
                                                      .proximal = proximal,
                                                      .steps = steps.empty() ? nullptr : steps.data()});
  }
};

template <class Rule>
std::unique_ptr<optim::UpdateRule> rule_of(const std::string& keys = "") {
  return optim::make_rule<Rule>(base::Config::parse("[method]\n" + keys, "run.toml").section("method"));
}

struct AllArguments {
  Section method;
  double lr = method.number("lr", 2.0, Range::positive(), "learning rate");
  void declare(math::StateLayout& slots) const {
    slots.vector("first");
    slots.vector("second");
    slots.counter("advanced");
  }
  void advance(RuleStep& step) const { ++step.state().counter("advanced"); }
  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr)](Real& x, Real g, Real& first, Real& second, Real read) {
      x = 10000 * x + 1000 * g + 100 * first + 10 * second + read;
      first = lr;
    };
  }
};

template <class Real>
void expect_all_arguments() {
  TwoElements<Real> two{.vectors = {{5, 6}, {7, 8}, {9, 1}}, .slots = 2};
  two.update(*rule_of<AllArguments>("lr = 0.5\n"));
  EXPECT_EQ(two.x, (std::vector<Real>{13579, 24681}));
  EXPECT_EQ(two.vectors[0], (std::vector<Real>{0.5, 0.5}));
  EXPECT_EQ(two.vectors[1], (std::vector<Real>{7, 8}));
  EXPECT_EQ(two.state.counter("advanced"), 1) << "once a step, though both precisions have a function";
}

TEST(Elementwise, PassesXAndGThenSlotsThenReads) {
  expect_all_arguments<float>();
  expect_all_arguments<double>();
}

TEST(Elementwise, RefusesAFunctionOfMoreVectorsThanThereAre) {
  TwoElements<double> two{.vectors = {{5, 6}, {7, 8}}, .slots = 2};
  EXPECT_THROW(two.update(*rule_of<AllArguments>()), std::logic_error);
}

struct WithLength {
  Section method;
  double lr = method.number("lr", 0.5, Range::positive(), "learning rate");
  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr)](Real& x, Real g) {
      x -= lr * g;
      return lr * g;
    };
  }
};

TEST(Elementwise, AppliesTheProxWithTheLengthsThatTheFunctionReturns) {
  TwoElements<double> smooth;
  smooth.update(*rule_of<WithLength>());
  EXPECT_EQ(smooth.x, (std::vector<double>{-0.5, 0}));
  const SoftThreshold l1(0.25);
  TwoElements<double> two{.x = {1, 5}, .steps = {0, 0}};
  two.update(*rule_of<WithLength>(), &l1);
  EXPECT_EQ(two.x, (std::vector<double>{-0.125, 2.5})) << "-0.5 + 0.25 * 1.5; 3 - 0.25 * 2";
  EXPECT_EQ(two.steps, (std::vector<double>{1.5, 2}));
}

struct Either {
  Section method;
  double lr = method.number("lr", 1.0, Range::positive(), "learning rate");
  bool adds = method.flag("adds", false, "the slot");
  void declare(math::StateLayout& slots) const { slots.vector("slot"); }
  void check() const {
    if (adds && lr == 7) method.fail("lr", "7", "another number");
  }
  template <class Real>
  auto element(const RuleStep&) const {
    return optim::either(
        adds, [](Real& x, Real, Real& slot) { x += slot; }, [](Real& x, Real) { x = -x; });
  }
};

TEST(Elementwise, EitherChoosesAFunctionWithItsOwnNumberOfSlots) {
  for (const bool adds : {false, true}) {
    TwoElements<float> two{.vectors = {{5, 6}}, .slots = 1};
    two.update(*rule_of<Either>(adds ? "adds = true\n" : ""));
    EXPECT_EQ(two.x, adds ? (std::vector<float>{6, 8}) : (std::vector<float>{-1, -2}));
  }
}

TEST(Elementwise, NeedsASmoothOmegaUnlessTheFunctionReturnsLengths) {
  EXPECT_FALSE(rule_of<WithLength>()->needs().has(optim::Need::smooth_omega));
  EXPECT_TRUE(rule_of<AllArguments>()->needs().has(optim::Need::smooth_omega));
  EXPECT_TRUE(rule_of<Either>()->needs().has(optim::Need::smooth_omega));
}

TEST(Elementwise, ChecksHyperparametersOnceTheyAreRead) {
  EXPECT_NO_THROW(rule_of<Either>("lr = 7.0\n"));
  EXPECT_THROW(rule_of<Either>("lr = 7.0\nadds = true\n"), base::Error);
}

}  // namespace
}  // namespace talweg::test
