// SPDX-License-Identifier: Apache-2.0
// What a run directory survives: lost and damaged files, changed minds, and --fresh.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/e2e/problems.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class RunDirectory : public testing::Test {
 protected:
  RunDirectory()
      : config_(
            folder_
                .write("small.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "64", 40) + "[checkpoint]\nevery_steps = 10\n")
                .string()) {}
  Result train(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"train", config_, "--run", run_.string(), "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return talweg(0, arguments);
  }
  void train_well(std::vector<std::string> more = {}) const {
    const Result result = train(std::move(more));
    ASSERT_EQ(result.code, 0) << result.err;
  }
  static bool says(const Result& result, const std::string& piece) {
    return (result.out + result.err).find(piece) != std::string::npos;
  }

  Folder folder_;
  std::string config_;
  fs::path run_ = folder_ / "run";
};

TEST_F(RunDirectory, NothingBeginsAnewOverDamagedCheckpoints) {
  train_well();
  for (const auto& entry : fs::directory_iterator(run_ / "checkpoints")) fs::resize_file(entry.path(), 1000);
  const Result refused = train({"--set", "run.steps=60"});
  EXPECT_EQ(refused.code, 65) << refused.err;
  EXPECT_TRUE(says(refused, "none intact")) << refused.err;
  EXPECT_TRUE(says(refused, "--fresh")) << refused.err;
  train_well({"--fresh"});
}

TEST_F(RunDirectory, WithoutCheckpointsItSaysThatItBeginsAnew) {
  train_well();
  fs::remove_all(run_ / "checkpoints");
  const Result anew = train();
  EXPECT_EQ(anew.code, 0) << anew.err;
  EXPECT_TRUE(says(anew, "starting at step 0")) << anew.err;
}

TEST_F(RunDirectory, ADamagedTraceIsSetAside) {
  train_well();
  fs::resize_file(run_ / "trace.h5", 3000);
  const Result more = train({"--set", "run.steps=60"});
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_TRUE(says(more, "trace.h5.damaged")) << more.err;
  EXPECT_EQ(fs::file_size(run_ / "trace.h5.damaged"), 3000U);
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
}

TEST_F(RunDirectory, AFinishedRunIsLeftAsItWas) {
  train_well();
  const std::string summary = read_file(run_ / "summary.json");
  const std::string config = read_file(run_ / "config.toml");
  const Result again = train({"--set", "method.lr=0.5"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(says(again, "method.lr: was 0.01, now 0.5")) << again.err;
  EXPECT_EQ(read_file(run_ / "summary.json"), summary);
  EXPECT_EQ(read_file(run_ / "config.toml"), config);
}

TEST_F(RunDirectory, AnotherMetricForgetsTheBest) {
  train_well({"--set", "stop.metric=valid_accuracy"});
  const Result result = train({"--set", "stop.metric=valid_loss", "--set", "run.steps=60", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GT(json::parse(result.out)["best"]["step"], 40) << result.out;
}

TEST_F(RunDirectory, TheMethodsNameIsWhatIsRefused) {
  train_well();
  const Result refused = train({"--set", "method.name=sgd"});
  EXPECT_EQ(refused.code, 78);
  EXPECT_TRUE(says(refused, "method.name: was \"adam\", now \"sgd\"")) << refused.err;
}

TEST_F(RunDirectory, FreshLosesNothingWhenTheNewRunCannotBegin) {
  train_well();
  const Result refused = train({"--fresh", "--set", "init.kind=file", "--set", "init.path=" + (folder_ / "none.npz").string()});
  EXPECT_NE(refused.code, 0);
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0) << "the old run is still whole";
}

TEST_F(RunDirectory, ALostBestIsWrittenAgainWhenTheRunGoesOn) {
  train_well();
  ASSERT_TRUE(fs::remove(run_ / "checkpoints" / "best.h5"));
  train_well({"--set", "run.steps=41", "--set", "method.lr=1e-30"});  // no better point comes
  const Result exported = talweg(0, {"export", run_.string(), "--best", "-o", (folder_ / "best.npz").string()});
  EXPECT_EQ(exported.code, 0) << exported.err;
}

TEST_F(RunDirectory, DivergenceInTheLastStepHasASummaryToo) {
  const Result wild =
      train({"--set", "method.name=sgd", "--set", "method.lr=1e37", "--set", "model.loss=squared", "--set", "run.steps=1"});
  EXPECT_EQ(wild.code, 79) << wild.err;
  EXPECT_EQ(json::parse(read_file(run_ / "summary.json"))["ending"]["reason"], "diverged");
}

TEST_F(RunDirectory, CertifyWantsTheDataOfTheRun) {
  const std::string data = folder_.write("rows.csv", "1,2,0\n2,1,1\n3,1,0\n1,1,1\n").string();
  const auto config = folder_.write("rows.toml",
                                    "[data]\ntrain = {path = \"rows.csv\"}\n[model]\nkind = \"linear\"\n"
                                    "loss = \"cross_entropy\"\n[run]\nsteps = 3\n");
  ASSERT_EQ(talweg(0, {"train", config.string(), "--run", run_.string(), "--progress", "none"}).code, 0);
  ASSERT_EQ(talweg(0, {"certify", run_.string()}).code, 0);
  folder_.write("rows.csv", "1,2,0\n2,1,1\n3,1,0\n1,5,1\n");
  const Result other = talweg(0, {"certify", run_.string()});
  EXPECT_EQ(other.code, 65);
  EXPECT_TRUE(says(other, "other data")) << other.err;
}

// Ranks started in folders of their own take rank 0's config, and must read the same data.
TEST_F(RunDirectory, RanksInOtherFoldersReadTheSameData) {
  const auto two_folders = [&](const std::string& data) {
    std::vector<std::string> one = talweg_command(1, {"train", "run.toml", "--run", run_.string(), "--progress", "none"});
    const auto program = static_cast<std::size_t>(std::ranges::find(one, "train") - one.begin()) - 1;
    std::vector<std::string> command(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(program));
    for (const std::string name : {"a", "b"}) {
      folder_.write(name + "/rows.csv", name == "a" ? "1,2,0\n2,1,1\n" : "1,2,0\n2,5,1\n");
      folder_.write(name + "/run.toml", "[data]\ntrain = {path = \"" + data +
                                            "\"}\n[model]\nkind = \"linear\"\nloss = \"cross_entropy\"\n[run]\nsteps = 3\n");
      if (name == "b") command.insert(command.end(), {":", "-n", "1"});
      command.insert(command.end(), {"--wdir", (folder_ / name).string()});
      command.insert(command.end(), one.begin() + static_cast<std::ptrdiff_t>(program), one.end());
    }
    return run(command);
  };
  fs::create_directories(folder_ / "a");
  fs::create_directories(folder_ / "b");
  const Result together = two_folders("rows.csv");
  EXPECT_EQ(together.code, 0) << together.err;
  fs::remove_all(run_);
  const Result apart = two_folders("/proc/self/cwd/rows.csv");  // each rank its own file
  EXPECT_EQ(apart.code, 65) << apart.err;
  EXPECT_TRUE(says(apart, "rank 1 read other data than rank 0")) << apart.err;
}

TEST_F(RunDirectory, FreshTakesOnlyWhatTalwegWrote) {
  train_well();
  std::ofstream(run_ / "checkpoints" / "thesis.txt") << "mine";
  train_well({"--fresh"});
  EXPECT_EQ(read_file(run_ / "checkpoints" / "thesis.txt"), "mine");
}

TEST_F(RunDirectory, VerifyMissesWhatIsLost) {
  train_well();
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
  fs::rename(run_ / "trace.h5", run_ / "elsewhere");
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 66);
  fs::rename(run_ / "elsewhere", run_ / "trace.h5");
  std::ofstream(run_ / "summary.json") << "{\"step\": ";
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 65);
  const Result shown = talweg(0, {"show", run_.string()});
  EXPECT_EQ(shown.code, 65);
  EXPECT_NE(shown.err.find("summary.json: damaged"), std::string::npos) << shown.err;
  EXPECT_EQ(shown.err.find("json.exception"), std::string::npos) << shown.err;
  fs::remove_all(run_ / "checkpoints");
  EXPECT_NE(talweg(0, {"verify", run_.string()}).code, 0);
}

TEST_F(RunDirectory, JsonOfEverythingThatReports) {
  train_well();
  const json same = json::parse(talweg(0, {"diff", run_.string(), run_.string(), "--json"}).out);
  EXPECT_EQ(same["same"], true);
  EXPECT_EQ(same["findings"][0]["compared"], "trace");
  const json compared = json::parse(talweg(0, {"compare", run_.string(), run_.string(), "--json"}).out);
  EXPECT_EQ(compared.size(), 2U);
  EXPECT_EQ(compared[0]["steps"], 40);
}

TEST_F(RunDirectory, LabelsOfItsOwnWhenEvaluating) {
  const std::string python = "import numpy as np; d = np.loadtxt('" + digits() + "', delimiter=','); np.save('" +
                             (folder_ / "rows.npy").string() + "', d[:, :64]); np.save('" + (folder_ / "names.npy").string() +
                             "', d[:, 64].astype(int)); np.save('" + (folder_ / "new.npy").string() + "', d[:, :64])";
  const Result made = run({"/usr/bin/python3", "-c", python});
  if (made.code != 0) GTEST_SKIP() << "python3-numpy is not installed: " << made.err;
  const auto config =
      folder_.write("npy.toml",
                    "[data]\ntrain = {path = \"rows.npy\", labels = \"names.npy\"}\n[model]\nkind = \"linear\"\n"
                    "loss = \"cross_entropy\"\n[run]\nsteps = 30\n");
  ASSERT_EQ(talweg(0, {"train", config.string(), "--run", run_.string(), "--progress", "none"}).code, 0);
  const Result lost = talweg(0, {"evaluate", run_.string(), "--data", (folder_ / "new.npy").string()});
  EXPECT_EQ(lost.code, 66) << lost.out;
  EXPECT_TRUE(says(lost, "--labels")) << lost.err;
  const Result found = talweg(
      0, {"evaluate", run_.string(), "--data", (folder_ / "new.npy").string(), "--labels", (folder_ / "names.npy").string()});
  EXPECT_EQ(found.code, 0) << found.err;
}

}  // namespace
}  // namespace talweg::test
