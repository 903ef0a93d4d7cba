// SPDX-License-Identifier: Apache-2.0
// A NaN on one rank in one step, under real mpirun: every rank does the same at that step, and the files report it.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "tests/e2e/problems.hpp"
#include "tests/support/json.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class NonFinite : public testing::Test {
 protected:
  std::string config(int steps, const std::string& rest = "") const {
    return folder_
        .write("run.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "64", steps) + rest +
                               "[checkpoint]\nevery_steps = 10\nkeep = 9\n[trace]\nevaluate_every = 0.5\n")
        .string();
  }
  std::vector<std::string> command(int ranks, const std::string& config, const std::string& name,
                                   std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"train",     config, "--run",      (folder_ / name).string(),
                                          "--threads", "1",    "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return talweg_command(ranks, arguments);
  }
  Result train(int ranks, const std::string& config, const std::string& name, const std::string& fault,
               std::vector<std::string> more = {}) const {
    return run(command(ranks, config, name, std::move(more)), {"TALWEG_FAULT=" + fault});
  }
  json summary(const std::string& name) const { return parse_json(read_file(folder_ / name / "summary.json")); }
  std::string shown(const std::string& name) const { return talweg(0, {"show", (folder_ / name).string()}).out; }
  void expect_same(const std::string& a, const std::string& b) const {
    const Result same = talweg(0, {"diff", (folder_ / a).string(), (folder_ / b).string()});
    EXPECT_EQ(same.code, 0) << a << " and " << b << "\n" << same.out << same.err;
  }
  void expect_whole(const std::string& name) const {
    const Result verified = talweg(0, {"verify", (folder_ / name).string()});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  }
  static bool says(const std::string& text, const std::string& piece) { return text.find(piece) != std::string::npos; }

  Folder folder_;
};

TEST_F(NonFinite, SkipLeavesTheStepOutOnEveryRankAlike) {
  const std::string file = config(40, "nonfinite = \"skip\"\n");
  struct Way {
    const char* name;
    int ranks;
    const char* fault;
    const char* placement;
  };
  const Way ways[] = {{"alone", 0, "nan rank=0 step=7", "replicated"},
                      {"two", 2, "nan rank=1 step=7", "replicated"},
                      {"loss", 2, "nan-loss rank=1 step=7", "coordinator"},
                      {"three", 3, "nan rank=2 step=7", "coordinator"}};
  for (const Way& way : ways) {
    const Result result = train(way.ranks, file, way.name, way.fault, {"--set", std::string("run.placement=") + way.placement});
    ASSERT_EQ(result.code, 0) << way.name << "\n" << result.err;
    EXPECT_TRUE(says(result.err, "step 7 is left out")) << result.err;
    EXPECT_TRUE(says(result.err, "TALWEG_FAULT is set")) << result.err;
    EXPECT_TRUE(says(result.out, "1 step left out")) << result.out;
    EXPECT_EQ(summary(way.name)["nonfinite"]["skipped"], 1);
    EXPECT_TRUE(says(shown(way.name), "step 7 is left out")) << shown(way.name);
    expect_same("alone", way.name);
    expect_whole(way.name);
  }
  ASSERT_EQ(train(2, file, "quiet", "").code, 0);
  EXPECT_EQ(summary("quiet")["nonfinite"]["skipped"], 0);
  EXPECT_EQ(talweg(0, {"diff", (folder_ / "quiet").string(), (folder_ / "alone").string()}).code, 1) << "nothing was left out";
}

// With full batches the gradient depends on the point alone: 21 steps of which one is left out equal 20 steps, except for the
// count in Adam's bias correction.
TEST_F(NonFinite, AStepThatIsLeftOutIsNoneOfTheRules) {
  const std::vector<std::string> all = {"--set", "run.batch=full"};
  for (const int ranks : {0, 2}) {
    ASSERT_EQ(train(ranks, config(20), "whole", "", all).code, 0);
    ASSERT_EQ(train(ranks, config(21, "nonfinite = \"skip\"\n"), "left_out", "nan rank=0 step=1", all).code, 0);
    EXPECT_EQ(summary("left_out")["nonfinite"]["skipped"], 1);
    EXPECT_EQ(summary("left_out")["figures"]["train_objective"], summary("whole")["figures"]["train_objective"]) << ranks;
    for (const char* name : {"whole", "left_out"}) std::filesystem::remove_all(folder_ / name);
  }
}

TEST_F(NonFinite, SkipEndsAfterSoManyInARow) {
  const std::string file = config(40, "nonfinite = \"skip\"\nnonfinite_limit = 3\n");
  const Result result = train(2, file, "run", "nan rank=1 step=7 times=9");
  EXPECT_EQ(result.code, 79) << result.err;
  EXPECT_TRUE(says(result.out, "after step 9")) << result.out;
  EXPECT_TRUE(says(result.out, "3 steps before it left out already")) << result.out;
  expect_whole("run");
}

TEST_F(NonFinite, AMethodWhoseStepsBuildOnEachOtherIsNotSkipped) {
  const Result refused = train(0, config(40, "nonfinite = \"skip\"\n"), "run", "", {"--set", "method.name=svrg"});
  EXPECT_EQ(refused.code, 78) << refused.err;
  EXPECT_TRUE(says(refused.err, "run.nonfinite")) << refused.err;
}

TEST_F(NonFinite, StopKeepsTheBestPointOfARunThatHasNoCheckpointYet) {
  const std::string file = config(40);
  const Result result = train(2, file, "run", "nan rank=1 step=17", {"--set", "checkpoint.every_steps=0"});
  EXPECT_EQ(result.code, 79) << result.err;
  EXPECT_FALSE(says(result.err, "did not reach the disk")) << result.err;
  const json told = summary("run");
  EXPECT_EQ(told["ending"]["code"], 79);
  EXPECT_EQ(told["files"]["last_checkpoint"], nullptr);
  ASSERT_TRUE(told["best"].is_object());
  EXPECT_EQ(told["files"]["best"], told["best"]["step"]);
  const json best = parse_json(talweg(0, {"verify", (folder_ / "run/checkpoints/best.h5").string(), "--json"}).out);
  EXPECT_EQ(best["files"][0]["step"], told["best"]["step"]);
  expect_whole("run");
  std::filesystem::remove(folder_ / "run/summary.json");  // as after a kill between the two
  const Result again = train(0, file, "run", "");         // the same command starts again, and nothing is lost
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(says(again.err, "best.h5.diverged")) << again.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/checkpoints/best.h5.diverged"));
  expect_whole("run");
}

TEST_F(NonFinite, RollbackGoesOnFromTheLastCheckpointWithSmallerSteps) {
  const std::string file = config(60, "nonfinite = \"rollback\"\n");
  for (const auto& [name, placement] : {std::pair("replicated", "replicated"), std::pair("coordinator", "coordinator")}) {
    const Result result = train(2, file, name, "nan rank=1 step=25", {"--set", std::string("run.placement=") + placement});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(says(result.err, "back at step 20 (1 of at most 5 times), learning rates are 0.5")) << result.err;
    EXPECT_TRUE(says(result.out, "1 rollback,")) << result.out;
    EXPECT_EQ(summary(name)["nonfinite"]["lr_factor"], 0.5);
    EXPECT_TRUE(says(shown(name), "back at step 20")) << shown(name);
    expect_whole(name);
    expect_same("replicated", name);
  }
  const json shown = parse_json(talweg(0, {"show", (folder_ / "replicated").string(), "--json"}).out);
  EXPECT_EQ(shown["summary"]["step"], 60);
  EXPECT_TRUE(says(talweg(0, {"show", (folder_ / "replicated").string()}).out, "learning rate 0.005"));
}

// The rollback is on the disk before the next step: a kill does not bring the larger steps back.
TEST_F(NonFinite, AKillAfterARollbackChangesNothing) {
  const std::string file = config(4000, "nonfinite = \"rollback\"\n");
  const std::vector<std::string> rare = {"--set", "checkpoint.every_steps=2000", "--set", "trace.evaluate_every=100"};
  ASSERT_EQ(train(2, file, "quiet", "nan rank=1 step=2025", rare).code, 0);
  {
    Process process(command(2, file, "run", rare), {"TALWEG_FAULT=nan rank=1 step=2025"});
    for (int i = 0; i < 6000 && !says(process.err(), "back at step 2000"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_EQ(run({"pkill", "-KILL", "-P", std::to_string(process.pid())}).code, 0) << process.err();
    ASSERT_NE(process.wait().code, 0);
  }
  const Result rest = train(3, file, "run", "", rare);
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_TRUE(says(rest.err, "learning rates are 0.5 of the config's, after 1 rollback")) << rest.err;
  expect_same("quiet", "run");
}

TEST_F(NonFinite, RollbackBeforeTheFirstCheckpointBeginsAgain) {
  const std::string file = config(30, "nonfinite = \"rollback\"\n");
  const Result result = train(2, file, "run", "nan rank=0 step=5");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(says(result.err, "back at step 0")) << result.err;
  expect_whole("run");
}

TEST_F(NonFinite, RollbackEndsAfterSoMany) {
  const std::string file = config(30, "nonfinite = \"rollback\"\nnonfinite_limit = 2\n");
  const Result result = train(2, file, "run", "nan rank=1 step=15 times=9");
  EXPECT_EQ(result.code, 79) << result.err;
  EXPECT_TRUE(says(result.err, "(2 of at most 2 times)")) << result.err;
  EXPECT_TRUE(says(result.out, "after step 14")) << result.out;
  expect_whole("run");
}

// Real divergence, without an injected fault: sgd with steps far too large for the curvature recovers by rollbacks.
TEST_F(NonFinite, RollbackTamesARealDivergence) {
  const std::string file = config(60, "nonfinite = \"rollback\"\nnonfinite_lr_factor = 1e-3\nnonfinite_limit = 30\n");
  const Result result = train(2, file, "run", "",
                              {"--set", "method.name=sgd", "--set", "method.lr=1e9", "--set", "model.loss=squared", "--set",
                               "model.activation=identity"});
  ASSERT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_GE(summary("run")["nonfinite"]["rollbacks"], 1);
  expect_whole("run");
}

TEST_F(NonFinite, WhatOneRankThrowsEndsAllWithItsMessageAndCode) {
  for (const char* placement : {"replicated", "coordinator"}) {
    const Result result = train(3, config(40), std::string("t") + placement, "throw rank=2 step=7",
                                {"--set", std::string("run.placement=") + placement});
    EXPECT_EQ(result.code, 70) << result.err;
    EXPECT_TRUE(says(result.err, "rank 2: internal error: thrown on rank 2 in step 7")) << result.err;
  }
}

TEST_F(NonFinite, AFaultThatCannotBeReadIsRefused) {
  const Result refused = train(0, config(4), "run", "nan rank=1 stepp=7");
  EXPECT_EQ(refused.code, 64) << refused.err;
  EXPECT_TRUE(says(refused.err, "stepp=7")) << refused.err;
}

TEST_F(NonFinite, ABenchThatDivergesSaysSoInJson) {
  const Result result = talweg(0, {"bench", config(4), "--set", "method.name=sgd", "--set", "method.lr=1e37", "--set",
                                   "model.loss=squared", "--seconds", "0.1", "--json"});
  EXPECT_EQ(result.code, 79) << result.err;
  EXPECT_EQ(parse_json(result.out)["ending"]["code"], 79) << result.out;
}

}  // namespace
}  // namespace talweg::test
