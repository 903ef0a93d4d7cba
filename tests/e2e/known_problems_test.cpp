// SPDX-License-Identifier: Apache-2.0
// Problems with known answers as a user runs them: without data, with the same bits everywhere, listed, compared with theory.
#include <gtest/gtest.h>

#include "tests/support/folder.hpp"
#include "tests/support/json.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

using nlohmann::json;

class KnownProblems : public testing::Test {
 protected:
  std::string config(const std::string& problem, const std::string& method, const std::string& run) const {
    return folder_.write("run.toml", "[problem]\n" + problem + "[method]\n" + method + "[run]\nprecision = \"float64\"\n" + run)
        .string();
  }
  json train(int ranks, const std::string& config, const std::string& run, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"train", config, "--run", (folder_ / run).string(), "--progress", "none", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = talweg(ranks, arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return parse_json(result.out);
  }
  std::string exported(const std::string& run) const {
    const std::string file = (folder_ / (run + ".npz")).string();
    EXPECT_EQ(talweg(0, {"export", (folder_ / run).string(), "-o", file}).code, 0);
    return read_file(file);
  }
  Folder folder_;
};

TEST_F(KnownProblems, HaveTheSameBitsOnAnyRanksAndThroughAResume) {
  const std::string file =
      config("name = \"staircase\"\nterms = 512\ngradient_spread = 0.3\ncurvature_spread = 0.2\nstart_radius = 0.1\n",
             "name = \"adam\"\nlr = 0.01\n", "batch = 48\nsteps = 60\n");
  train(0, file, "alone", {"--threads", "1"});
  train(0, file, "threads", {"--threads", "2"});
  train(3, file, "ranks");
  train(0, file, "resumed", {"--set", "run.steps=25"});
  train(2, file, "resumed");
  for (const char* other : {"threads", "ranks", "resumed"}) EXPECT_EQ(exported("alone"), exported(other)) << other;
}

TEST_F(KnownProblems, SayHowFarFromTheAnswerTheyEnded) {
  const json s = train(
      0,
      config("name = \"lasso\"\n[regularizer]\nl1 = 0.3\n", "name = \"fista\"\nlr = 1.0\n", "batch = \"full\"\nsteps = 200\n"),
      "lasso");
  EXPECT_NEAR(s["figures"]["train_objective"], s["least"], 1e-12);
  const Result told = talweg(0, {"evaluate", (folder_ / "lasso").string(), "--data", "none.csv"});
  EXPECT_EQ(told.code, 64);
  EXPECT_NE(told.err.find("the run of problem lasso"), std::string::npos) << told.err;
}

TEST_F(KnownProblems, CertifyFindsTheSaddleThatIsStated) {
  train(0,
        config("name = \"staircase\"\nstart = [0.5, 0.0, 0.0, 0.0]\n", "name = \"gd\"\nlr = 0.05\n",
               "batch = \"full\"\nsteps = 1000\n"),
        "saddle");
  const Result result = talweg(0, {"certify", (folder_ / "saddle").string(), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("saddle"), std::string::npos) << result.out;
  train(0, config("name = \"triple_product\"\n", "name = \"gd\"\nlr = 0.05\n", "batch = \"full\"\nsteps = 10\n"), "degenerate");
  const Result degenerate = talweg(0, {"certify", (folder_ / "degenerate").string()});
  EXPECT_EQ(degenerate.out.find("strictly convex"), std::string::npos) << degenerate.out;
}

TEST_F(KnownProblems, RefuseWhatStandsBesideThem) {
  const std::string file =
      config("name = \"pl_sine\"\n[model]\nkind = \"linear\"\nloss = \"squared\"\n", "name = \"gd\"\n", "batch = \"full\"\n");
  const Result result = talweg(0, {"check", file});
  EXPECT_EQ(result.code, 78);
  EXPECT_NE(result.err.find("model.kind: found it beside [problem]"), std::string::npos) << result.err;
  const Result convex = talweg(0, {"check", config("name = \"pl_sine\"\n", "name = \"katyusha\"\n", "batch = \"full\"\n")});
  EXPECT_EQ(convex.code, 78);
  EXPECT_NE(convex.err.find("a convex F"), std::string::npos) << convex.err;
}

TEST_F(KnownProblems, AreListedAndTold) {
  const Result all = talweg(0, {"problems"});
  EXPECT_EQ(all.code, 0);
  for (const char* name : {"nesterov_chain", "staircase", "reddi"}) EXPECT_NE(all.out.find(name), std::string::npos) << all.out;
  const Result one = talweg(0, {"problems", "nesterov_chain", "--set", "problem.dimension=3", "--json"});
  const json told = parse_json(one.out);
  ASSERT_FALSE(told.is_discarded()) << one.out << one.err;
  EXPECT_EQ(told["dimension"], 3);
  EXPECT_EQ(told["points"][0]["x"], (std::vector<double>{0.75, 0.5, 0.25}));
  EXPECT_EQ(told["constants"][0]["value"], -3.0 / 32);
  EXPECT_EQ(talweg(0, {"problems", "nesterov_chian"}).code, 64);
}

TEST_F(KnownProblems, CompareSetsRunsBesideTheirBounds) {
  for (const char* method : {"gd", "agd", "lbfgs"}) {
    const std::string lr = std::string(method) == "lbfgs" ? "" : "lr = 1.0\n";
    train(0,
          config("name = \"nesterov_chain\"\n", "name = \"" + std::string(method) + "\"\n" + lr,
                 "batch = \"full\"\nsteps = 30\n"),
          method);
  }
  const std::string picture = (folder_ / "curves.csv").string();
  const Result result = talweg(0, {"compare", (folder_ / "gd").string(), (folder_ / "agd").string(),
                                   (folder_ / "lbfgs").string(), "--theory", "--json", "--x", "step", "-o", picture});
  const json curves = parse_json(result.out);
  ASSERT_FALSE(curves.is_discarded()) << result.out << result.err;
  ASSERT_EQ(curves.size(), 3U);
  for (std::size_t k = 0; k < 2; ++k) {
    ASSERT_EQ(curves[k]["gap"].size(), 31U);
    for (std::size_t i = 1; i <= 30; ++i) {
      EXPECT_LE(curves[k]["gap"][i], curves[k]["bound"][i]) << i;
      EXPECT_GE(curves[k]["gap"][i], curves[k]["lower_bound"][i]) << i;
    }
  }
  EXPECT_TRUE(curves[2]["bound"][30].is_null()) << "nothing is proven of lbfgs in closed form";
  const std::string csv = read_file(picture);
  for (const char* line : {"run,step,series,value\n", "agd,30,bound,", "gd,30,lower_bound,", "lbfgs,30,gap,"})
    EXPECT_NE(csv.find(line), std::string::npos) << line;
}

TEST_F(KnownProblems, DialectsAreSetSideBySide) {
  const Result result = talweg(0, {"methods", "adam", "--diff", "tf1", "torch"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("apart from step 1"), std::string::npos) << result.out;
  EXPECT_EQ(talweg(0, {"methods", "adam", "--diff", "tf1", "jax"}).code, 64);
}

}  // namespace
}  // namespace talweg::test
