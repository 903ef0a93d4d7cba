// SPDX-License-Identifier: Apache-2.0
// A step that is interrupted at any request has not changed x, and gives the same bits when it is repeated. And clipping that
// does not bind changes nothing.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

struct CutOff {};

struct Case {
  std::string method;
  std::size_t batch;  // 0: full
};

/// Every entry with its defaults, and combinations that ask more of a step.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const optim::Entry* entry : optim::catalogue()) {
    all.push_back({"name = \"" + std::string(entry->name) + '"', entry->make_method != nullptr ? 0U : 8U});
  }
  all.push_back({"name = \"adam\"; clip_global_norm = 0.1", 8});
  all.push_back({"name = \"svrg\"; rule = \"momentum\"; snapshot_every = 0.4; clip_global_norm = 0.5", 8});
  all.push_back({"name = \"adam\"; accumulate = 3; average = \"polyak\"", 8});
  all.push_back({"name = \"momentum\"; lookahead = 3; average = \"exponential\"; clip_norm = 0.5", 8});
  all.push_back({"name = \"svrg\"; snapshot = \"random\"; snapshot_steps = 3", 8});
  all.push_back({"name = \"svrg\"; snapshot = \"average\"; snapshot_steps = 3", 8});
  all.push_back({"name = \"scsg\"; large_batches = 3", 8});
  all.push_back({"name = \"svrg\"; snapshot_batches = 1; snapshot_steps = 2", 8});
  all.push_back({"name = \"svrg\"; snapshot_batches = 1; snapshot_steps = 3; snapshot_growth = 1.0; snapshot_mixed = true", 8});
  all.push_back({"name = \"katyusha\"; snapshot_every = 0.4; strong_convexity = 0.1", 8});
  all.push_back({"name = \"sarah\"; noise = \"ball\"; clip_norm = 0.5", 8});
  all.push_back({"name = \"rsg\"; iterations = 3; candidates = 6; judge_batches = 3", 8});
  all.push_back({"name = \"rsag\"; batch_growth = 0.5; iterations = 100000", 8});
  all.push_back({"name = \"local_sgd\"; workers = 3; period = 2", 8});
  all.push_back({"name = \"easgd\"; workers = 3; period = 2", 8});
  all.push_back({"name = \"storm\"", 8});
  all.push_back({"name = \"lbfgs\"; memory = 2", 0});
  all.push_back({"name = \"pgd\"; lr = 0.3; gradient_threshold = 1.0; noise_interval = 2; decrease_threshold = 1e-12", 0});
  return all;
}

MethodRun<float> begin(const Case& c) { return {c.method, least_squares(40, 3), {2, -1, 4}, c.batch}; }

TEST(Recovery, AStepCutOffAtAnyRequestGivesTheSameBitsWhenDoneAgain) {
  constexpr int kSteps = 8;
  for (const Case& c : cases()) {
    MethodRun<float> whole = begin(c);
    std::size_t requests = 0;
    whole.oracle().on_request = [&] { ++requests; };
    whole.steps(kSteps);
    const auto expected = whole.save();
    ASSERT_GE(requests, static_cast<std::size_t>(kSteps)) << c.method;
    for (std::size_t cut = 0; cut < requests; ++cut) {
      MethodRun<float> run = begin(c);
      std::size_t asked = 0;
      run.oracle().on_request = [&] {
        if (asked++ == cut) throw CutOff{};
      };
      int cuts = 0;
      while (run.progress().step < kSteps) {
        const Point before = run.x();
        try {
          run.step();
        } catch (const CutOff&) {
          ++cuts;
          EXPECT_EQ(run.x(), before) << c.method << ": x was written before the step was sure, request " << cut;
        }
      }
      EXPECT_EQ(cuts, 1) << c.method;
      const auto after = run.save();
      EXPECT_EQ(after.vectors, expected.vectors) << c.method << " cut off at request " << cut;
      EXPECT_EQ(after.scalars, expected.scalars) << c.method << " cut off at request " << cut;
      EXPECT_EQ(after.counters, expected.counters) << c.method << " cut off at request " << cut;
      EXPECT_EQ(after.arrays, expected.arrays) << c.method << " cut off at request " << cut;
    }
  }
}

TEST(Recovery, ADivergedStepLeavesXAsItWas) {
  for (const Case& c : cases()) {
    FiniteSum broken = least_squares(40, 3);
    const auto term = broken.term;
    broken.term = [term](std::size_t i, const Point& x, Point& g) {
      return term(i, x, g) + (x[0] == 2 ? 0 : std::numeric_limits<double>::quiet_NaN());  // fine at the start only
    };
    MethodRun<float> run(c.method, broken, {2, -1, 4}, c.batch);
    Point before;
    bool over = false;
    for (int k = 0; k < 8 && !over; ++k) {  // more than what accumulates three, or four workers in turn
      before = run.x();
      try {
        over = run.step().outcome != optim::Outcome::going_on;  // a line search finds nothing finite
      } catch (const optim::Diverged&) {
        over = true;
      }
    }
    if (over) {
      EXPECT_EQ(run.x(), before) << c.method;
    } else {
      EXPECT_EQ(run.x()[0], 2) << c.method << ": it went on, so where all is finite";  // by steps that round to none there
    }
  }
}

TEST(Clipping, ThatDoesNotBindChangesNoBit) {
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_method != nullptr) continue;
    const Case plain{"name = \"" + std::string(entry->name) + '"', 8};
    MethodRun<float> fused = begin(plain);
    MethodRun<float> clipped = begin({plain.method + "; clip_global_norm = 1e30", 8});
    for (int k = 0; k < 10; ++k) {
      const auto a = fused.step();
      const auto b = clipped.step();
      EXPECT_EQ(a.gradient_norm, b.gradient_norm) << entry->name;
      EXPECT_EQ(a.update_norm, b.update_norm) << entry->name;
      EXPECT_EQ(a.parameter_norm, b.parameter_norm) << entry->name;
    }
    EXPECT_EQ(fused.save().vectors, clipped.save().vectors) << entry->name;
  }
}

}  // namespace
}  // namespace talweg::test
