// SPDX-License-Identifier: Apache-2.0
// Ranks that are stopped, stuck, killed or orphaned, under a real mpirun: the job ends in bounded time, the culprit is named,
// and nothing is left behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <sstream>
#include <thread>

#include "tests/e2e/problems.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class Peers : public testing::Test {
 protected:
  static constexpr double kDeadline = 3;
  static constexpr double kEnding = 20;  // on top of the deadline: mpirun takes two seconds to end ranks, or more

  Peers()
      : config_(folder_
                    .write("run.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "16", 1000000) + "deadline = 3\n" +
                                           "[trace]\nevaluate_every = 100\n[checkpoint]\nevery_steps = 1000\n")
                    .string()) {
    fs::create_directory(shared_);
  }
  std::vector<std::string> command(int ranks, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"train", config_, "--run", run_.string(), "--threads", "1", "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return talweg_command(ranks, arguments);
  }
  /// The processes of mpirun's ranks, by rank, once the run has checkpoints.
  std::vector<pid_t> ranks_of(const Process& process) const {
    for (int i = 0; i < 3000 && !fs::exists(run_ / "checkpoints/step-000001000.h5") && !later(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::istringstream text(run({"pgrep", "-P", std::to_string(process.pid())}).out);
    std::vector<pid_t> ranks;
    for (pid_t p = 0; text >> p;) ranks.push_back(p);
    std::ranges::sort(ranks);  // in the order they were started
    return ranks;
  }
  bool later() const {
    std::error_code none_yet;
    return std::ranges::any_of(fs::directory_iterator(run_ / "checkpoints", none_yet),
                               [](const auto& entry) { return entry.path().filename().string().starts_with("step-"); });
  }
  static bool says(const std::string& text, const std::string& piece) { return text.find(piece) != std::string::npos; }
  static bool gone(pid_t process) {
    const std::string state = read_file("/proc/" + std::to_string(process) + "/stat");
    return state.empty() || says(state, ") Z ");
  }
  void expect_nothing_left(const std::vector<pid_t>& ranks) const {
    const auto begin = Clock::now();
    for (const pid_t p : ranks) {
      while (!gone(p) && since(begin) < 10) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_TRUE(gone(p)) << p;
    }
    for (const auto& entry : fs::directory_iterator(shared_)) ADD_FAILURE() << entry.path() << " is left";
  }

  Folder folder_;
  std::string config_;
  fs::path run_ = folder_ / "run";
  fs::path shared_ =
      folder_ / "shared";  // for the files that ranks of one host map: in /dev/shm those of other jobs would be counted too
  std::vector<std::string> environment_ = {"OMPI_MCA_btl_vader_backing_directory=" + shared_.string()};
};

TEST_F(Peers, AStoppedRankIsNamedAndEndsTheJobWith69) {
  for (const int stopped : {1, 0}) {
    Process process(command(2), environment_);
    const std::vector<pid_t> ranks = ranks_of(process);
    ASSERT_EQ(ranks.size(), 2U);
    ASSERT_EQ(kill(ranks[static_cast<std::size_t>(stopped)], SIGSTOP), 0);
    const auto begin = Clock::now();
    const Result result = process.wait();
    ASSERT_FALSE(result.timed_out);
    EXPECT_EQ(result.code, 69) << result.err;
    EXPECT_GE(since(begin), 0.9 * kDeadline);
    EXPECT_LT(since(begin), kDeadline + kEnding);
    char host[256] = {};
    gethostname(host, sizeof(host) - 1);
    const std::string name = "rank " + std::to_string(stopped) + " on " + host + " (process " +
                             std::to_string(ranks[static_cast<std::size_t>(stopped)]) + ") does not run";
    EXPECT_TRUE(says(result.err, name)) << name << "\n" << result.err;
    EXPECT_TRUE(says(result.err, "warning: no rank has moved")) << result.err;
    expect_nothing_left(ranks);
    EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
    fs::remove_all(run_);
  }
}

TEST_F(Peers, ARankThatNeverAnswersIsNamedWithWhatItIsAt) {
  const auto begin = Clock::now();
  const Result result = run(command(3), {"TALWEG_FAULT=hang rank=1 step=7"});
  ASSERT_FALSE(result.timed_out);
  EXPECT_EQ(result.code, 69) << result.err;
  EXPECT_LT(since(begin), kDeadline + kEnding);
  EXPECT_TRUE(says(result.err, "rank 1 on ")) << result.err;
  EXPECT_TRUE(says(result.err, "does not get on: it is computing, step 7")) << result.err;
  EXPECT_FALSE(says(result.err, "rank 2 on ")) << result.err;
}

// Shorter than the deadline it costs nothing; neither does a long evaluation, or a deadline of 0.
TEST_F(Peers, WhoComesBackInTimeIsWaitedFor) {
  Process process(command(2, {"--set", "run.steps=20000"}));
  const std::vector<pid_t> ranks = ranks_of(process);
  ASSERT_EQ(ranks.size(), 2U);
  kill(ranks[1], SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  kill(ranks[1], SIGCONT);
  const Result result = process.wait();
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(Peers, WithoutADeadlineTheyWaitForEver) {
  Process process(command(2, {"--set", "run.deadline=0", "--set", "run.steps=20000"}));
  const std::vector<pid_t> ranks = ranks_of(process);
  ASSERT_EQ(ranks.size(), 2U);
  kill(ranks[1], SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(5000));
  EXPECT_FALSE(gone(ranks[0])) << process.err();
  kill(ranks[1], SIGCONT);
  const Result result = process.wait();
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(Peers, AKilledRankEndsTheJobWith137) {
  for (const std::size_t killed : {1U, 0U}) {
    Process process(command(2), environment_);
    const std::vector<pid_t> ranks = ranks_of(process);
    ASSERT_EQ(ranks.size(), 2U);
    const auto begin = Clock::now();
    ASSERT_EQ(kill(ranks[killed], SIGKILL), 0);
    const Result result = process.wait();
    ASSERT_FALSE(result.timed_out);
    EXPECT_EQ(result.code, 137) << result.err;
    EXPECT_LT(since(begin), kEnding);
    expect_nothing_left(ranks);
    fs::remove_all(run_);
  }
}

TEST_F(Peers, WithoutMpirunNoRankStaysBehind) {
  Process process(command(2), environment_);
  const std::vector<pid_t> ranks = ranks_of(process);
  ASSERT_EQ(ranks.size(), 2U);
  process.signal(SIGKILL);
  process.wait();
  const auto begin = Clock::now();
  while (!(gone(ranks[0]) && gone(ranks[1])) && since(begin) < 15) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(gone(ranks[0]));
  EXPECT_TRUE(gone(ranks[1]));
  for (const pid_t p : ranks) kill(p, SIGKILL);
}

}  // namespace
}  // namespace talweg::test
