// SPDX-License-Identifier: Apache-2.0
// The batch script, with a scontrol that only records its arguments: when a job is requeued, and when it is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/e2e/problems.hpp"
#include "tests/support/process.hpp"
#include "tests/support/source.hpp"

namespace talweg::test {
namespace {

namespace fs = std::filesystem;

class SlurmScript : public testing::Test {
 protected:
  SlurmScript() {
    fs::permissions(folder_.write("bin/scontrol", "#!/bin/sh\necho \"$@\" >> \"" + (folder_ / "requeued").string() + "\"\n"),
                    fs::perms::owner_all);
    config_ = folder_
                  .write("run.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "16", 3000) +
                                         "[checkpoint]\nevery_steps = 50\n[trace]\nevaluate_every = 100\n")
                  .string();
    const std::vector<std::string> alone = talweg_command(0, {"train"});
    environment_ = {"PATH=" + (folder_ / "bin").string() + ":" + std::getenv("PATH"), "SLURM_JOB_ID=7",
                    "TALWEG=" + alone.front(), "TALWEG_LAUNCH="};
  }
  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {
        (source() / "scripts/slurm/train.sbatch").string(), config_, "--threads", "1", "--progress", "none"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string requeued() const { return read_file(folder_ / "requeued"); }
  void await_checkpoint() const {
    const auto any = [&] {
      std::error_code none_yet;
      return std::ranges::any_of(fs::directory_iterator(run_ / "checkpoints", none_yet),
                                 [](const auto& entry) { return entry.path().filename().string().starts_with("step-"); });
    };
    for (int i = 0; i < 2000 && !any(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(any());
  }

  Folder folder_;
  std::string config_;
  fs::path run_ = folder_ / "runs/run";
  std::vector<std::string> environment_;
};

TEST_F(SlurmScript, RequeuesUntilTheRunIsFinished) {
  {
    Process process(command({"--fresh"}), environment_);
    ASSERT_NO_FATAL_FAILURE(await_checkpoint());
    process.signal(SIGUSR1);  // as Slurm does before the time limit
    const Result result = process.wait();
    EXPECT_EQ(result.code, 75) << result.err;
  }
  EXPECT_EQ(requeued(), "requeue 7\n");
  environment_.emplace_back("SLURM_RESTART_COUNT=1");
  const Result rest = run(command({"--fresh"}), environment_);  // Slurm gives a requeued job its first arguments
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_NE(rest.err.find("resuming"), std::string::npos) << rest.err;
  EXPECT_EQ(requeued(), "requeue 7\n") << "a finished run is not begun again";
}

TEST_F(SlurmScript, FreshIsDoneBeforeTheRequeuedJobGoesOn) {
  ASSERT_EQ(run(command({"--set", "run.steps=100"}), environment_).code, 0);
  const std::vector<std::string> fresh = {"--set", "run.steps=100", "--set", "method.lr=0.02", "--fresh"};
  auto lost = environment_;
  const fs::path program = folder_.write("bin/fake", "#!/bin/sh\nexit 137\n");
  fs::permissions(program, fs::perms::owner_all);
  lost.push_back("TALWEG=" + program.string());
  ASSERT_EQ(run(command(fresh), lost).code, 137) << "before it has dropped the earlier run";
  environment_.emplace_back("SLURM_RESTART_COUNT=1");
  const Result begun = run(command(fresh), environment_);
  EXPECT_EQ(begun.code, 0) << begun.err;
  EXPECT_EQ(begun.out.find("already ended"), std::string::npos) << begun.out;
  const Result ended = run(command(fresh), environment_);
  EXPECT_NE(ended.out.find("already ended"), std::string::npos) << ended.out;
}

TEST_F(SlurmScript, DoesNotRequeueWhatSomebodyHasStopped) {
  Process process(command({"--set", "run.steps=1000000"}), environment_);
  ASSERT_NO_FATAL_FAILURE(await_checkpoint());
  ASSERT_EQ(talweg(0, {"stop", run_.string()}).code, 0);
  EXPECT_EQ(process.wait().code, 75);
  EXPECT_EQ(requeued(), "");
}

TEST_F(SlurmScript, RequeuesLossesFiveTimesInARow) {
  const auto program_that_ends_with = [&](int code) {
    const fs::path program = folder_.write("bin/fake", "#!/bin/sh\nexit " + std::to_string(code) + "\n");
    fs::permissions(program, fs::perms::owner_all);
    return "TALWEG=" + program.string();
  };
  fs::create_directories(run_);
  auto environment = environment_;
  environment.emplace_back("SLURM_RESTART_COUNT=1");
  const auto times = [&] { return std::ranges::count(requeued(), '\n'); };
  const auto run_with = [&](int code) {
    environment.push_back(program_that_ends_with(code));
    EXPECT_EQ(run(command(), environment).code, code);
    environment.pop_back();
  };
  for (int k = 0; k < 4; ++k) run_with(137);
  EXPECT_EQ(times(), 4);
  run_with(75);  // a time limit between losses does not count as one
  for (int k = 0; k < 5; ++k) run_with(k % 2 == 0 ? 138 : 69);
  EXPECT_EQ(times(), 10);
  run_with(137);
  EXPECT_EQ(times(), 10) << "six in a row";
  environment.back() = "SLURM_RESTART_COUNT=0";
  run_with(137);
  EXPECT_EQ(times(), 11) << "submitted anew";
}

TEST_F(SlurmScript, DoesNotRequeueWhatWouldFailAgain) {
  EXPECT_EQ(run(command({"--set", "run.batc=3"}), environment_).code, 78);
  EXPECT_EQ(requeued(), "");
}

}  // namespace
}  // namespace talweg::test
