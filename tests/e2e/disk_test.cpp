// SPDX-License-Identifier: Apache-2.0
// A disk that is full, full for a while, or slower than the steps; and kills while a checkpoint is being written. The disk is
// full by RLIMIT_FSIZE, set from outside on the running process; it is slow because the state is large for its steps.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/e2e/problems.hpp"
#include "tests/support/json.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr rlim_t kSmall = 1 << 20;  // the trace fits, a checkpoint does not

class Disk : public testing::Test {
 protected:
  /// 1.2 million parameters: a checkpoint has 19 MB.
  std::string large(int steps, const std::string& rest) const {
    return folder_
        .write("large.toml", mlp_config("name = \"adam\"\nlr = 0.001\n", "16", steps) + "[trace]\nevaluate_every = 0\n" + rest)
        .string();
  }
  std::vector<std::string> command(const std::string& config, const fs::path& run) const {
    return talweg_command(0, {"train", config, "--run", run.string(), "--threads", "1", "--progress", "none", "--set",
                              "model.hidden=[2048, 512]"});
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    std::error_code none_yet;
    for (const auto& entry : fs::directory_iterator(run_ / "checkpoints", none_yet)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  std::size_t count(const std::string& begin, const std::string& end) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(names(), [&](const std::string& n) { return n.starts_with(begin) && n.ends_with(end); }));
  }
  static bool await(const std::function<bool()>& something) {
    for (int i = 0; i < 60000; ++i) {
      if (something()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  bool checkpointed() const { return count("step-", ".h5") > 0; }
  static void limit(const Process& process, rlim_t bytes) {
    rlimit now{};
    ASSERT_EQ(prlimit(process.pid(), RLIMIT_FSIZE, nullptr, &now), 0);
    now.rlim_cur = bytes;
    ASSERT_EQ(prlimit(process.pid(), RLIMIT_FSIZE, &now, nullptr), 0);
  }
  json summary() const { return parse_json(read_file(run_ / "summary.json")); }
  /// The run ends like an undisturbed one.
  void compare(const std::string& config) const {
    const auto quiet = folder_ / "quiet";
    const Result undisturbed = run(command(config, quiet));
    ASSERT_EQ(undisturbed.code, 0) << undisturbed.err;
    const Result same = talweg(0, {"diff", run_.string(), quiet.string()});
    EXPECT_EQ(same.code, 0) << same.out << same.err;
    const Result verified = talweg(0, {"verify", run_.string()});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  }
  bool has_event(const std::string& piece) const {
    return talweg(0, {"show", run_.string(), "--json"}).out.find(piece) != std::string::npos ||
           talweg(0, {"show", run_.string()}).out.find(piece) != std::string::npos;
  }

  Folder folder_;
  fs::path run_ = folder_ / "run";
};

TEST_F(Disk, FullForAWhileCostsCheckpointsAndNothingElse) {
  const std::string config = large(1000, "[checkpoint]\nevery_steps = 10\n");
  Process process(command(config, run_));
  ASSERT_TRUE(await([&] { return checkpointed(); }));
  limit(process, kSmall);
  ASSERT_TRUE(await([&] { return process.err().find(" is lost") != std::string::npos; })) << process.err();
  const auto good = names();
  EXPECT_GE(std::ranges::count_if(good, [](const std::string& n) { return n.starts_with("step-"); }), 1);
  limit(process, RLIM_INFINITY);
  ASSERT_TRUE(await([&] { return names().back() > good.back(); })) << "the next one is written";
  const Result result = process.wait();
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("cannot write: File too large"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find((run_ / "checkpoints" / "step-").string()), std::string::npos) << result.err;
  EXPECT_EQ(count(".", ".tmp"), 0U);
  EXPECT_GE(summary()["files"]["checkpoints_failed"], 1);
  compare(config);
}

TEST_F(Disk, FullUnderTheMessagesCostsTheMessages) {
  const auto unheard = [](const std::vector<std::string>& arguments, const std::string& stream = "2> /dev/full") {
    std::vector<std::string> shell = {"sh", "-c", "exec \"$0\" \"$@\" " + stream};
    const auto command = talweg_command(0, arguments);
    shell.insert(shell.end(), command.begin(), command.end());
    return run(shell).code;
  };
  const std::string config = folder_.write("run.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "97", 20)).string();
  EXPECT_EQ(unheard({"train", config, "--run", run_.string(), "--progress", "plain"}), 0);
  EXPECT_EQ(unheard({"train", (folder_ / "none.toml").string()}), 66);
  // When the standard streams are closed, no file of the run may get their descriptors.
  const auto closed = folder_ / "closed";
  EXPECT_EQ(unheard({"train", config, "--run", closed.string(), "--progress", "plain"}, "2>&- <&-"), 0);
  EXPECT_EQ(talweg(0, {"verify", closed.string()}).code, 0);
}

TEST_F(Disk, FullAtTheEndIsSaidByTheExitCode) {
  const std::string config = large(60, "[checkpoint]\nevery_steps = 10\n");
  Process process(command(config, run_));
  ASSERT_TRUE(await([&] { return checkpointed(); }));
  limit(process, kSmall);
  const Result result = process.wait();
  EXPECT_EQ(result.code, 74) << result.err;
  EXPECT_NE(result.err.find("File too large"), std::string::npos) << result.err;
  EXPECT_EQ(count(".", ".tmp"), 0U);
  EXPECT_GE(count("step-", ".h5"), 1U) << "the last good one stays";
  EXPECT_EQ(summary()["ending"]["code"], 74);
  EXPECT_EQ(summary()["ending"]["reason"], "disk");
  EXPECT_TRUE(has_event("is lost: ")) << talweg(0, {"show", run_.string()}).out;
  const Result rest = run(command(config, run_));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_NE(rest.err.find("resuming"), std::string::npos) << rest.err;
  compare(config);
}

TEST_F(Disk, KilledWhileACheckpointIsWritten) {
  const std::string config = large(80, "[checkpoint]\nevery_steps = 3\n");
  int hits = 0;
  for (int trial = 0; trial < 4; ++trial) {
    Process process(command(config, run_));
    const std::size_t before = count(".step", ".tmp");
    const bool writing = await([&] { return count(".step", ".tmp") > before; });
    process.signal(SIGKILL);
    ASSERT_TRUE(writing) << process.err();
    EXPECT_EQ(process.wait().code, 128 + SIGKILL);
    hits += count(".step", ".tmp") > before ? 1 : 0;
    for (const std::string& name : names()) {
      if (!name.starts_with(".")) {
        EXPECT_EQ(talweg(0, {"verify", (run_ / "checkpoints" / name).string()}).code, 0) << name;
      }
    }
  }
  EXPECT_GE(hits, 1) << "no kill came before the rename";
  const Result rest = run(command(config, run_));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(count(".", ".tmp"), 0U) << "what killed writers left is gone";
  compare(config);
}

TEST_F(Disk, SlowerThanTheStepsTheNewestIsTaken) {
  const std::string config = large(60, "[checkpoint]\nevery_steps = 1\n");
  const Result result = run(command(config, run_));
  ASSERT_EQ(result.code, 0) << result.err;
  const json files = summary()["files"];
  EXPECT_GE(files["checkpoints_late"], 1) << files;
  EXPECT_LT(files["checkpoints"], 60) << files;
  EXPECT_EQ(files["checkpoints_failed"], 0) << files;
  EXPECT_TRUE(has_event("was still being written"));
  EXPECT_EQ(names().back(), "step-000000060.h5");
  EXPECT_EQ(count("step-", ".h5"), 2U);
  compare(config);
}

}  // namespace
}  // namespace talweg::test
