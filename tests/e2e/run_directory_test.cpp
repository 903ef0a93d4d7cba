// SPDX-License-Identifier: Apache-2.0
// A run directory under changed configs, --fresh and odd names, and what a new run demands of it.
#include "tests/e2e/run_directory.hpp"

#include <algorithm>
#include <fstream>

#include "tests/support/source.hpp"

namespace talweg::test {
namespace {

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
  EXPECT_GT(parse_json(result.out)["best"]["step"], 40) << result.out;
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

TEST_F(RunDirectory, DivergenceInTheLastStepHasASummaryToo) {
  const Result wild =
      train({"--set", "method.name=sgd", "--set", "method.lr=1e37", "--set", "model.loss=squared", "--set", "run.steps=1"});
  EXPECT_EQ(wild.code, 79) << wild.err;
  EXPECT_EQ(parse_json(read_file(run_ / "summary.json"))["ending"]["reason"], "diverged");
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

// Ranks that are started in different folders use rank 0's config, and must read the same data.
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

TEST_F(RunDirectory, ItsOwnInputsAreNotWrittenOver) {
  const fs::path inside = folder_ / "inside";
  fs::create_directories(inside);
  std::ofstream(inside / "config.toml") << "# mine\n" << read_file(config_);
  const std::string mine = read_file(inside / "config.toml");
  const Result refused =
      talweg(0, {"train", (inside / "config.toml").string(), "--run", inside.string(), "--progress", "none"});
  EXPECT_EQ(refused.code, 64) << refused.err;
  EXPECT_EQ(read_file(inside / "config.toml"), mine);
  train_well();
  const Result again = talweg(0, {"train", (run_ / "config.toml").string(), "--run", run_.string(), "--progress", "none"});
  EXPECT_EQ(again.code, 0) << "as it was resolved it may be gone on with: " << again.err;
  const Result longer = talweg(
      0, {"train", (run_ / "config.toml").string(), "--run", run_.string(), "--progress", "none", "--set", "run.steps=50"});
  EXPECT_EQ(longer.code, 0) << "and changed: " << longer.err;
  const std::string best = (run_ / "checkpoints/best.h5").string();
  const Result dropped = train({"--fresh", "--set", "init.kind=file", "--set", "init.path=" + best});
  EXPECT_EQ(dropped.code, 64) << dropped.err;
  EXPECT_TRUE(fs::exists(best));
}

// It would be set aside as the run begins; after a kill at that moment the same command would not find it.
TEST_F(RunDirectory, NorIsTheBestPointOfARunThatDiverged) {
  const auto diverged = run(
      talweg_command(0, {"train", config_, "--run", run_.string(), "--progress", "none", "--set", "checkpoint.every_steps=0"}),
      {"TALWEG_FAULT=nan rank=0 step=30"});
  ASSERT_EQ(diverged.code, 79) << diverged.err;
  const std::string best = (run_ / "checkpoints/best.h5").string();
  const Result refused = train({"--set", "init.kind=file", "--set", "init.path=" + best});
  EXPECT_EQ(refused.code, 64) << refused.err;
  EXPECT_TRUE(fs::exists(best));
}

TEST_F(RunDirectory, AConfigMayComeThroughAPipe) {
  const auto command = talweg_command(0, {"train", "/dev/stdin", "--run", run_.string(), "--progress", "none"});
  std::string line = "cat '" + config_ + "' |";
  for (const std::string& word : command) line += " '" + word + "'";
  const Result result = run({"sh", "-c", line});
  EXPECT_EQ(result.code, 0) << result.err;
}

// Two runs with different locks would write into one directory.
TEST_F(RunDirectory, CheckpointsOfAnotherRunAreNotReachedThroughALink) {
  train_well();
  const fs::path next = folder_ / "next";
  fs::create_directories(next);
  fs::create_directory_symlink(run_ / "checkpoints", next / "checkpoints");
  const Result refused = talweg(0, {"train", config_, "--run", next.string(), "--progress", "none", "--fresh"});
  EXPECT_EQ(refused.code, 73) << refused.err;
  EXPECT_TRUE(says(refused, "found a symbolic link")) << refused.err;
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
}

TEST_F(RunDirectory, ARunThatDivergesAtOnceLeavesNothingInTheWay) {
  const Result at_once = train({"--set", "method.name=sgd", "--set", "method.lr=1e300"});
  EXPECT_EQ(at_once.code, 79);
  EXPECT_FALSE(says(at_once, "did not reach the disk")) << at_once.err;
  train_well();
}

TEST_F(RunDirectory, KeysThatChangeWhatAMethodKeepsAreRefusedByName) {
  train_well({"--set", "run.steps=20"});
  const Result several = train({"--set", "run.seed=7", "--set", "model.activation=relu"});
  EXPECT_EQ(several.code, 78) << several.err;
  for (const char* piece : {"run.seed: was", "model.activation: was", "init.kind: was"})
    EXPECT_TRUE(says(several, piece)) << several.err;
  const Result refused = train({"--set", "method.amsgrad=true"});
  EXPECT_EQ(refused.code, 78) << refused.err;
  EXPECT_TRUE(says(refused, "method.amsgrad: was false, now true")) << refused.err;
  train_well({"--fresh", "--set", "run.steps=20", "--set", "method.amsgrad=true"});
  train_well({"--set", "method.amsgrad=false"});  // its state is dropped
}

TEST_F(RunDirectory, ItsNameMayBeNoUtf8) {
  const fs::path run = folder_ / "caf\xe9";  // Latin-1
  const Result trained = talweg(0, {"train", config_, "--run", run.string(), "--progress", "none"});
  EXPECT_EQ(trained.code, 0) << trained.err;
  for (const char* verb : {"show", "verify"}) {
    const Result told = talweg(0, {verb, run.string(), "--json"});
    EXPECT_EQ(told.code, 0) << told.err;
    EXPECT_TRUE(nlohmann::json::accept(told.out)) << told.out;
  }
}

// The last evaluation as well, although there was one more at its first end.
TEST_F(RunDirectory, AnExtendedRunOfTheDigitsIsIdenticalToOneOfTheWholeLength) {
  const std::string config = (source() / "configs/digits_mlp.toml").string();
  const auto epochs = [&](const fs::path& run, const char* number) {
    return talweg(0,
                  {"train", config, "--run", run.string(), "--progress", "none", "--set", std::string("run.epochs=") + number})
        .code;
  };
  ASSERT_EQ(epochs(run_, "10"), 0);
  ASSERT_EQ(epochs(run_, "40"), 0);
  ASSERT_EQ(epochs(folder_ / "whole", "40"), 0);
  const Result same = talweg(0, {"diff", run_.string(), (folder_ / "whole").string()});
  EXPECT_EQ(same.code, 0) << same.out;
}

TEST_F(RunDirectory, AnExtendedRunIsIdenticalToOneOfTheWholeLength) {
  train_well({"--set", "run.steps=27"});
  train_well();
  const auto whole = folder_ / "whole";
  ASSERT_EQ(talweg(0, {"train", config_, "--run", whole.string(), "--progress", "none"}).code, 0);
  const Result same = talweg(0, {"diff", run_.string(), whole.string()});
  EXPECT_EQ(same.code, 0) << same.out;
  EXPECT_TRUE(says(same, "checkpoint step 40: identical")) << same.out;
  EXPECT_TRUE(says(same, "evaluations of steps that only one has: 1 in the first, 0 in the second")) << same.out;
  const auto sparse = folder_ / "sparse";
  ASSERT_EQ(talweg(0, {"train", config_, "--run", sparse.string(), "--progress", "none", "--set", "trace.every=7"}).code, 0);
  EXPECT_EQ(talweg(0, {"diff", sparse.string(), whole.string()}).code, 0) << "rows of every seventh step";
  EXPECT_EQ(talweg(0, {"verify", sparse.string()}).code, 0);
  const auto shorter = folder_ / "shorter";
  ASSERT_EQ(talweg(0, {"train", config_, "--run", shorter.string(), "--progress", "none", "--set", "run.steps=30"}).code, 0);
  const Result further = talweg(0, {"diff", shorter.string(), whole.string()});
  EXPECT_EQ(further.code, 1) << further.out;
  EXPECT_TRUE(says(further, "newest checkpoint: step: 30 and 40")) << further.out;
}

TEST_F(RunDirectory, JsonOfEverythingThatReports) {
  train_well();
  const json same = parse_json(talweg(0, {"diff", run_.string(), run_.string(), "--json"}).out);
  EXPECT_EQ(same["same"], true);
  EXPECT_EQ(same["findings"][0]["compared"], "trace");
  const json compared = parse_json(talweg(0, {"compare", run_.string(), run_.string(), "--json"}).out);
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
