// SPDX-License-Identifier: Apache-2.0
// Real signals to a real mpirun: what is promised to a scheduler.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tests/e2e/problems.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

class Signals : public testing::Test {
 protected:
  Signals()
      : config_(
            folder_
                .write("run.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "16", 3000) + "[trace]\nevaluate_every = 100\n")
                .string()) {}

  std::vector<std::string> command(int ranks, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"train", config_, "--run", run_.string(), "--threads", "1", "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return talweg_command(ranks, arguments);
  }
  /// True once the run has a checkpoint.
  bool checkpointed() const {
    if (!exists(run_ / "checkpoints")) return false;
    for (const auto& entry : std::filesystem::directory_iterator(run_ / "checkpoints")) {
      if (entry.path().extension() == ".h5") return true;
    }
    return false;
  }
  void await_checkpoint() const {
    for (int i = 0; i < 2000 && !checkpointed(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(checkpointed());
  }
  /// Resumes to the end on `ranks` and compares with an undisturbed run.
  void finish_and_compare(int ranks) const {
    const Result rest = run(command(ranks));
    ASSERT_EQ(rest.code, 0) << rest.err;
    EXPECT_NE(rest.err.find("resuming"), std::string::npos) << rest.err;
    const auto quiet = folder_ / "quiet";
    ASSERT_EQ(talweg(0, {"train", config_, "--run", quiet.string(), "--progress", "none"}).code, 0);
    const Result same = talweg(0, {"diff", run_.string(), quiet.string()});
    EXPECT_EQ(same.code, 0) << same.out << same.err;
  }

  Folder folder_;
  std::string config_;
  std::filesystem::path run_ = folder_ / "run";
};

TEST_F(Signals, Usr1ToMpirunStopsWithACheckpointAnd75) {
  Process process(command(2, {"--set", "checkpoint.every_steps=50"}));
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  process.signal(SIGUSR1);
  const Result result = process.wait();
  ASSERT_FALSE(result.timed_out);
  EXPECT_EQ(result.code, 75) << result.err;
  EXPECT_NE(result.out.find("signal"), std::string::npos) << result.out;
  finish_and_compare(3);
}

TEST_F(Signals, KillingARankLosesNothingButTheInterval) {
  Process process(command(2, {"--set", "checkpoint.every_steps=50"}));
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  const std::string ranks = run({"pgrep", "-P", std::to_string(process.pid())}).out;
  ASSERT_NE(ranks.find('\n'), ranks.size() - 1) << "two ranks: " << ranks;
  ASSERT_EQ(kill(std::stoi(ranks), SIGKILL), 0);
  const Result result = process.wait();
  ASSERT_FALSE(result.timed_out);
  EXPECT_NE(result.code, 0);
  finish_and_compare(1);
}

TEST_F(Signals, KillingAllRanksToo) {
  Process process(command(2, {"--set", "checkpoint.every_steps=50"}));
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  ASSERT_EQ(run({"pkill", "-KILL", "-P", std::to_string(process.pid())}).code, 0);
  const Result result = process.wait();
  ASSERT_FALSE(result.timed_out);
  EXPECT_NE(result.code, 0);
  finish_and_compare(3);
}

TEST_F(Signals, TermToALoneProcessStopsWith75) {
  Process process(command(0, {"--set", "checkpoint.every_steps=50"}));
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  process.signal(SIGTERM);
  const Result result = process.wait();
  ASSERT_FALSE(result.timed_out);
  EXPECT_EQ(result.code, 75) << result.err;
  finish_and_compare(2);
}

TEST_F(Signals, AStormOfThemHarmsNothing) {
  Process process(command(0, {"--set", "model.hidden=[256]", "--set", "checkpoint.every_steps=0"}));
  for (int i = 0; i < 2000 && !exists(run_ / "trace.h5"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (int i = 0; i < 700; ++i) {
    process.signal(SIGUSR2);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const Result result = process.wait();
  ASSERT_FALSE(result.timed_out);
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(Signals, AStopFileStopsAsTheSignalDoes) {
  const auto stop = [&] { return talweg(0, {"stop", run_.string()}); };
  EXPECT_EQ(stop().code, 66) << "no such run";
  for (const int ranks : {0, 2}) {
    Process process(command(ranks, {"--set", "checkpoint.every_steps=50", "--fresh", "--set", "run.steps=300000"}));
    ASSERT_NO_FATAL_FAILURE(await_checkpoint());
    const Result asked = stop();
    EXPECT_EQ(asked.code, 0) << asked.err;
    const Result result = process.wait();
    ASSERT_FALSE(result.timed_out);
    EXPECT_EQ(result.code, 75) << result.err;
    EXPECT_NE(result.out.find("talweg stop"), std::string::npos) << result.out;
    EXPECT_TRUE(exists(run_ / "stop")) << "a script that starts runs again must see that it was asked for";
    const Result late = stop();
    EXPECT_EQ(late.code, 66) << "nobody trains there";
    EXPECT_NE(late.err.find("no run in progress"), std::string::npos) << late.err;
    std::filesystem::copy_file(run_ / "stop", folder_ / "stale", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove_all(run_);
  }
  // An old stop file does not stop a new run.
  std::filesystem::create_directories(run_);
  std::filesystem::copy_file(folder_ / "stale", run_ / "stop");
  ASSERT_EQ(run(command(2)).code, 0);
  EXPECT_FALSE(exists(run_ / "stop"));
}

TEST_F(Signals, HangupStopsWithACheckpoint) {
  Process process(command(0, {"--set", "checkpoint.every_steps=50"}));
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  process.signal(SIGHUP);
  EXPECT_EQ(process.wait().code, 75);
}

TEST_F(Signals, Usr2CheckpointsAndGoesOn) {
  Process process(command(2, {"--set", "checkpoint.every_steps=0", "--set", "checkpoint.every_seconds=0"}));
  for (int i = 0; i < 2000 && !exists(run_ / "trace.h5"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  process.signal(SIGUSR2);
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  const Result result = process.wait();
  EXPECT_EQ(result.code, 0) << result.err;
}

}  // namespace
}  // namespace talweg::test
