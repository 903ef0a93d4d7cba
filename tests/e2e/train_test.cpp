// SPDX-License-Identifier: Apache-2.0
// Whole runs as a user makes them: the shipped configs, resume, stops, and the commands that look at a run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/e2e/problems.hpp"
#include "tests/support/json.hpp"
#include "tests/support/process.hpp"
#include "tests/support/source.hpp"

namespace talweg::test {
namespace {

using nlohmann::json;

std::string shipped(const std::string& name) { return (source() / "configs" / name).string(); }

class Train : public testing::Test {
 protected:
  /// Trains into folder_/run and returns the summary.
  json train(int ranks, const std::string& config, std::vector<std::string> more = {}, int code = 0) const {
    std::vector<std::string> arguments = {"train", config, "--run", run(), "--progress", "none", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = talweg(ranks, arguments);
    EXPECT_EQ(result.code, code) << result.out << result.err;
    const json summary = parse_json(result.out);
    EXPECT_FALSE(summary.is_discarded()) << result.out;
    return summary;
  }
  std::string run() const { return (folder_ / "run").string(); }
  std::string small(const std::string& rest, int steps = 40) const {
    return folder_.write("small.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "64", steps) + rest).string();
  }
  static std::size_t checkpoints(const std::filesystem::path& run) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints"))
      count += entry.path().filename() != "best.h5";
    return count;
  }

  Folder folder_;
};

TEST_F(Train, ShippedDigitsReach95PercentOnHeldOutDigits) {
  const json s = train(2, shipped("digits_mlp.toml"));
  EXPECT_GE(s["figures"]["valid_accuracy"], 0.95);
  EXPECT_EQ(s["parameters"], 64 * 128 + 128 + 128 * 10 + 10);
  for (const char* name : {"config.toml", "trace.h5", "summary.json"}) EXPECT_TRUE(exists(folder_ / "run" / name)) << name;
  EXPECT_TRUE(exists(folder_ / "run" / "checkpoints" / "best.h5"));
}

TEST_F(Train, ManyRanksIdleOnesIncluded) {
  // 100 rows make one shard: seven of eight ranks have nothing to do.
  std::string rows;
  for (int i = 0; i < 100; ++i)
    rows += std::to_string(i % 7) + "," + std::to_string(i % 3) + "," + std::to_string(i % 2) + "\n";
  const auto config =
      folder_.write("tiny.toml", "[data]\ntrain = {path = \"" + folder_.write("tiny.csv", rows).string() +
                                     "\"}\n[model]\nkind = \"linear\"\nloss = \"logistic\"\n[run]\nsteps = 5\nbatch = 1000\n");
  const Result result = talweg(8, {"train", config.string(), "--run", run(), "--progress", "none"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("7 of 8 ranks are idle"), std::string::npos) << result.err;
}

TEST_F(Train, TooManyThreadsWarnWithTheFlagThatHelps) {
  std::vector<std::string> command =
      talweg_command(1, {"train", small(""), "--run", run(), "--progress", "none", "--threads", "64"});
  const auto flag = std::ranges::find(command, "--bind-to");  // mpirun's default gives one rank one core
  command.erase(flag, flag + 2);
  const Result result = test::run(command);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("--bind-to none"), std::string::npos) << result.err;
}

TEST_F(Train, CheckSaysWhatTheFirstEpochWillCost) {
  for (const char* method : {"adam", "svrg", "sarah", "sophia"}) {
    const std::vector<std::string> one_epoch = {
        "--set",     fmt::format("method.name={}", method), "--set", "method.lr=0.01", "--set", "run.epochs=1", "--set",
        "run.steps="};
    std::vector<std::string> check = {"check", small(""), "--json"};
    check.insert(check.end(), one_epoch.begin(), one_epoch.end());
    const Result told = talweg(0, check);
    ASSERT_EQ(told.code, 0) << told.err;
    const json cost = parse_json(told.out)["cost"];
    EXPECT_FALSE(cost["bound"]);
    std::vector<std::string> fresh = one_epoch;
    fresh.emplace_back("--fresh");
    const json metered = train(1, small(""), fresh)["cost"]["method"];
    EXPECT_GT(cost["gradients"], 0) << method;
    EXPECT_EQ(cost["gradients"], metered["gradient_evaluations"]) << method;
    EXPECT_EQ(cost["hvps"], metered["hvp_evaluations"]) << method;
    EXPECT_EQ(cost["values"], metered["value_evaluations"]) << method;
  }
}

TEST_F(Train, AFinishedRunSaysSoAndIsExtendedWhenStepsGrow) {
  const std::string config = small("");
  train(1, config);
  const std::string before = read_file(folder_ / "run" / "trace.h5");
  const json again = train(2, config);
  EXPECT_NE(again["ending"]["message"].get<std::string>().find("already ended"), std::string::npos) << again.dump();
  EXPECT_EQ(read_file(folder_ / "run" / "trace.h5"), before);
  const json more = train(1, config, {"--set", "run.steps=60"});
  EXPECT_EQ(more["step"], 60);
  EXPECT_EQ(more["part"], 1);
  const json anew = train(1, config, {"--fresh"});
  EXPECT_EQ(anew["part"], 0);
  EXPECT_EQ(anew["step"], 40);
}

TEST_F(Train, HyperparametersMayChangeAndAreLogged) {
  const std::string config = small("");
  train(1, config, {"--set", "run.steps=20"});
  const Result result = talweg(1, {"train", config, "--run", run(), "--progress", "none", "--set", "method.lr=0.002"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("method.lr: was 0.01, now 0.002"), std::string::npos) << result.err;
}

TEST_F(Train, StopsByTargetLoss) {
  const json s = train(1, small("[stop]\ntarget_loss = 1.0\n[trace]\nevaluate_every = 0.1\n", 2000));
  EXPECT_EQ(s["ending"]["reason"], "target_loss");
  EXPECT_LE(s["figures"]["train_objective"], 1.0);
  EXPECT_LT(s["step"], 2000);
}

TEST_F(Train, StopsByGradientNorm) {
  const auto config = folder_.write("full.toml", mlp_config("name = \"lbfgs\"\n", "\"full\"", 500) +
                                                     "precision = \"float64\"\n[stop]\ngradient_norm = 1e-2\n");
  const json s = train(2, config.string());
  EXPECT_EQ(s["ending"]["reason"], "gradient_norm");
  EXPECT_LE(s["figures"]["full_gradient_norm"], 1e-2);
}

TEST_F(Train, StopsByPatienceAndKeepsTheBest) {
  // Uses a metric that soon saturates, which is more natural than a learning rate that destroys the model after a while.
  const json s = train(1, small("[stop]\npatience = 3\nmetric = \"valid_accuracy\"\n[trace]\nevaluate_every = 1\n", 5000));
  EXPECT_EQ(s["ending"]["reason"], "patience");
  EXPECT_LT(s["best"]["step"], s["step"]);
  const Result last = talweg(0, {"export", run(), "-o", (folder_ / "last.npz").string()});
  const Result best = talweg(0, {"export", run(), "--best", "-o", (folder_ / "best.npz").string()});
  ASSERT_EQ(last.code + best.code, 0) << last.err << best.err;
  EXPECT_NE(read_file(folder_ / "last.npz"), read_file(folder_ / "best.npz"));
}

// If the parameters are another point than the iterate, both can be exported; averaging does not change the iterates.
TEST_F(Train, BothPointsAreExported) {
  const auto exported = [&](const std::string& point) {
    const std::string file = (folder_ / ("of" + point + ".npz")).string();
    std::vector<std::string> command = {"export", run(), "-o", file};
    if (!point.empty()) command.insert(command.end(), {"--point", point});
    const Result result = talweg(0, command);
    EXPECT_EQ(result.code, 0) << result.err;
    return read_file(file);
  };
  train(1, small(""), {"--fresh"});
  const std::string plain = exported("");
  EXPECT_TRUE(exported("x") == plain);
  EXPECT_TRUE(exported("parameters") == plain);
  for (const char* average : {"polyak", "random"}) {
    train(1, small(""), {"--fresh", "--set", std::string("method.average=") + average});
    EXPECT_TRUE(exported("x") == plain) << average;
    EXPECT_FALSE(exported("") == plain) << average;
    EXPECT_TRUE(exported("parameters") == exported("")) << average;
  }
  EXPECT_FALSE(exported("first_moment") == plain);
  EXPECT_EQ(talweg(0, {"export", run(), "--best", "--point", "x", "-o", (folder_ / "z.npz").string()}).code, 64);
  const Result unknown = talweg(0, {"export", run(), "--point", "z", "-o", (folder_ / "z.npz").string()});
  EXPECT_EQ(unknown.code, 64);
  for (const char* name : {"'z'", "parameters", "x", "second_moment"})
    EXPECT_NE(unknown.err.find(name), std::string::npos) << unknown.err;
}

TEST_F(Train, ARunThatFailsSaysSoOnStderrToo) {
  const Result result =
      talweg(0, {"train", small(""), "--run", run(), "--fresh", "--progress", "none", "--json", "--set", "method.lr=1e300"});
  EXPECT_EQ(result.code, 79);
  EXPECT_NE(result.err.find("talweg train: diverged: after step"), std::string::npos) << result.err;
}

TEST_F(Train, WallSecondsStopsWith75AndGoesOn) {
  const std::string config = small("[stop]\nwall_seconds = 0.3\n[trace]\nevaluate_every = 0\n", 1000000);
  const json first = train(2, config, {}, 75);
  EXPECT_EQ(first["ending"]["reason"], "wall_seconds");
  const json second = train(1, config, {}, 75);
  EXPECT_GT(second["step"], first["step"]);
  EXPECT_GT(second["seconds"]["total"], first["seconds"]["total"]) << "seconds go on";
}

TEST_F(Train, CheckpointsAreRotated) {
  const std::string config = small("[checkpoint]\nkeep = 3\n");
  for (const char* steps : {"10", "20", "30", "40"}) train(1, config, {"--set", std::string("run.steps=") + steps});
  EXPECT_EQ(checkpoints(run()), 3U);
}

TEST_F(Train, ADamagedCheckpointIsPassedOverAndTheUserIsTold) {
  const std::string config = small("");
  train(1, config, {"--set", "run.steps=30"});
  train(1, config);
  const auto newest = folder_ / "run" / "checkpoints" / "step-000000040.h5";
  std::string bytes = read_file(newest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(newest, std::ios::binary) << bytes;
  const Result verify = talweg(0, {"verify", run()});
  EXPECT_EQ(verify.code, 65) << verify.out << verify.err;
  const Result again = talweg(2, {"train", config, "--run", run(), "--progress", "none"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("step-000000040.h5"), std::string::npos) << again.err;
  EXPECT_NE(again.err.find("resuming"), std::string::npos) << again.err;
}

TEST_F(Train, EveryStepHasOneRowAfterAResume) {
  const std::string config = small("");
  train(2, config, {"--set", "run.steps=17"});
  train(3, config);
  const std::string python =
      "import h5py, sys\nt = h5py.File('" + (folder_ / "run" / "trace.h5").string() +
      "')\nassert list(t['step'][:]) == list(range(1, 41)), t['step'][:]\n"
      "assert list(t['part'][:]) == [0]*17 + [1]*23, t['part'][:]\n"
      "assert (t['seconds'][1:] >= t['seconds'][:-1]).all()\n"
      "assert (t['gradient_evaluations'][1:] > t['gradient_evaluations'][:-1]).all()\n"
      "kinds = [k.decode() for k in t['events/kind'][:]]\nassert kinds[0] == 'start' and 'resume' in kinds, kinds\n";
  if (test::run({"/usr/bin/python3", "-c", "import h5py"}).code != 0) GTEST_SKIP() << "python3-h5py is not installed";
  const Result result = test::run({"/usr/bin/python3", "-c", python});
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(Train, CommandsThatLookAtARun) {
  train(2, small(""));
  const auto output = [&](std::vector<std::string> arguments, int ranks = 0) {
    const Result result = talweg(ranks, arguments);
    EXPECT_EQ(result.code, 0) << arguments[0] << ": " << result.err;
    return result.out;
  };
  EXPECT_NE(output({"show", run()}).find("adam"), std::string::npos);
  EXPECT_FALSE(parse_json(output({"show", run(), "--json"})).is_discarded());
  EXPECT_NE(output({"verify", run()}).find("intact"), std::string::npos);
  EXPECT_NE(output({"compare", run()}).find("adam"), std::string::npos);
  const json evaluation = parse_json(output({"evaluate", run(), "--data", digits(), "--json"}, 2));
  EXPECT_GT(evaluation["accuracy"], 0.3);
  const json certificate = parse_json(output({"certify", run(), "--json", "--iterations", "20"}, 2));
  EXPECT_EQ(certificate["verdict"], "not critical");
  output({"predict", run(), "--data", digits(), "-o", (folder_ / "p.csv").string()});
  const std::string predictions = read_file(folder_ / "p.csv");
  EXPECT_EQ(std::count(predictions.begin(), predictions.end(), '\n'), 1798);
  const std::string itself = (folder_ / "p.csv").string();
  EXPECT_EQ(talweg(0, {"predict", run(), "--data", itself, "-o", itself}).code, 64) << "the data would be gone";
  EXPECT_EQ(read_file(itself), predictions);
}

TEST_F(Train, BenchMeasuresAndWritesNothing) {
  const auto config = folder_.write("bench.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "64", 3));
  for (const int ranks : {0, 2}) {
    const Result result = talweg(ranks, {"bench", config.string(), "--seconds", "0.2", "--threads", "1", "--json"});
    ASSERT_EQ(result.code, 0) << result.err;
    const auto figures = parse_json(result.out);
    EXPECT_GE(figures["steps"], 10) << "the config's own length does not count";
    EXPECT_GT(figures["gflops"], 0);
    EXPECT_LT(figures["gflops"], figures["peak_gflops"]);
    ASSERT_EQ(figures["resident_bytes"].size(), ranks == 2 ? 2U : 1U);
    EXPECT_GT(figures["resident_bytes"].back(), 1e6);
    EXPECT_GT(figures["triad_gigabytes_per_second"], 0);
    // adam: m, v; 64-24-10 and padding, float.
    EXPECT_NEAR(figures["expected_bytes"]["method_state"], 2 * 4.0 * (65 * 24 + 25 * 10), 2 * 4 * 64);
    EXPECT_EQ(figures["plain_allreduce"]["seconds"] > 0, ranks == 2);
    EXPECT_EQ(figures["messages_per_step"] > 1, ranks == 2);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(Train, BenchShowsWhatSeveralNodesSend) {
  const auto config = folder_.write("bench.toml", mlp_config("name = \"sgd\"\nlr = 0.01\n", "64", 3));
  const auto bytes = [&](const char* ranks_per_node) {
    const Result result = talweg(
        2, {"bench", config.string(), "--seconds", "0.5", "--threads", "1", "--json", "--ranks-per-node", ranks_per_node});
    EXPECT_EQ(result.code, 0) << result.err;
    const auto figures = parse_json(result.out);
    EXPECT_EQ(figures["nodes"], *ranks_per_node == '1' ? 2 : 1);
    return std::pair(figures["bytes_per_step"].get<double>(), figures["expected_bytes"]["sums"].get<double>());
  };
  const auto [one, sums] = bytes("2");
  EXPECT_LT(one, sums) << "sums are read on a node, not sent";
  EXPECT_GE(bytes("1").first, sums);
}

TEST_F(Train, BenchTimesHessianVectorProducts) {
  const auto config = folder_.write("bench.toml", mlp_config("name = \"sgd\"\nlr = 0.01\n", "64", 3));
  const double s = 24.0 * 10 / (64 * 24 + 24 * 10);
  for (const int ranks : {0, 2}) {
    const Result result = talweg(ranks, {"bench", config.string(), "--hvp", "--seconds", "0.2", "--threads", "1", "--json"});
    ASSERT_EQ(result.code, 0) << result.err;
    const auto figures = parse_json(result.out);
    EXPECT_EQ(figures["batch"], 64);
    EXPECT_NEAR(figures["flop_ratio"]["moved"], (3 + 5 * s) / (2 + s), 1e-12);
    EXPECT_NEAR(figures["flop_ratio"]["kept"], (2 + 4 * s) / (2 + s), 1e-12);
    for (const char* kind : {"moved", "kept"}) {
      EXPECT_GT(figures["hvp_seconds"][kind], 0);
      EXPECT_GT(figures["ratio"][kind], 0);
    }
  }
}

TEST_F(Train, CertifyGivesTheSameFiguresOnAnyNumberOfRanks) {
  train(1, small(""));
  const Result one = talweg(1, {"certify", run(), "--json", "--iterations", "15"});
  const Result three = talweg(3, {"certify", run(), "--json", "--iterations", "15"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.out, three.out);
}

TEST_F(Train, DiffNamesTheFirstDifference) {
  train(1, small(""));
  const auto other = (folder_ / "other").string();
  ASSERT_EQ(
      talweg(1, {"train", (folder_ / "small.toml").string(), "--run", other, "--progress", "none", "--set", "run.seed=4"}).code,
      0);
  const Result result = talweg(0, {"diff", run(), other});
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  EXPECT_NE(result.out.find("layers.0.weight"), std::string::npos) << result.out;
}

// The published optimum of a9a with l2 = 1e-4 and no regularisation of the bias.
TEST_F(Train, A9aReachesTheKnownOptimum) {
  const char* folder = std::getenv("TALWEG_DATA");
  if (folder == nullptr) GTEST_SKIP() << "set TALWEG_DATA to the folder that holds LIBSVM's a9a.gz";
  const auto a9a = std::filesystem::path(folder) / "a9a.gz";
  const auto config = folder_.write("a9a.toml", sparse_config(a9a.string(), "name = \"lbfgs\"\n", "\"full\"", 500) +
                                                    "precision = \"float64\"\n[stop]\ngradient_norm = 1e-9\n");
  const json s = train(2, config.string());
  EXPECT_LE(s["figures"]["train_objective"].get<double>() - 0.3244226099971608, 1e-12);
}

}  // namespace
}  // namespace talweg::test
