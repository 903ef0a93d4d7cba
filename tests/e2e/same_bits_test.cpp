// SPDX-License-Identifier: Apache-2.0
// The first promise, on real runs: the bytes of the exported parameters are the same for every number of ranks and threads, and
// through a stop and a resume on another number of ranks.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>

#include "tests/e2e/problems.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

struct Case {
  const char* name;
  const char* method;  // TOML of [method]
  const char* batch;
  int steps;
  bool sparse;
  int hidden = 544;
  const char* model = "";         // more keys of [model]
  const char* omega = "";         // and of [regularizer]
  const char* loss = "logistic";  // of the sparse problem
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

// 97 and 1000 divide neither the data nor the shards; 1000 is larger than a shard.
const Case kCases[] = {
    {"adam_mlp", "name = \"adam\"\nlr = 0.01\n", "97", 40, false},
    {"adam_double_mlp", "name = \"adam\"\nlr = 0.01\n", "97\nprecision = \"float64\"", 40, false},  // nothing is rounded away
    {"svrg_mlp", "name = \"svrg\"\nlr = 0.05\n", "97", 40, false},
    {"lbfgs_mlp", "name = \"lbfgs\"\n", "\"full\"", 8, false},
    {"pgd_mlp", "name = \"pgd\"\nlr = 0.1\n", "\"full\"", 8, false},
    {"adagrad_mlp", "name = \"adagrad\"\ndialect = \"tf1\"\nlr = 0.05\n", "97", 40, false},
    {"nesterov_mlp", "name = \"nesterov\"\nform = \"look_ahead\"\nlr = 0.05\nclip_norm = 0.3\n", "97", 40, false},
    {"ftrl_mlp", "name = \"ftrl\"\nlr = 0.05\naverage = \"polyak\"\n", "97", 40, false},
    {"lars_mlp", "name = \"lars\"\n", "97", 40, false},
    {"lamb_mlp", "name = \"lamb\"\nlr = 0.01\nclip_average_norm = 0.01\n", "97", 40, false},
    {"yellowfin_mlp", "name = \"yellowfin\"\ndialect = \"authors\"\n", "97", 40, false},
    {"muon_mlp", "name = \"muon\"\n", "97", 40, false},
    {"shampoo_mlp", "name = \"shampoo\"\nroot_every = 3\n", "97", 40, false, 24},
    {"adafactor_mlp", "name = \"adafactor\"\n", "97", 40, false},
    {"sophia_mlp", "name = \"sophia\"\n", "97", 40, false},
    {"prodigy_mlp", "name = \"prodigy\"\nd0 = 1e-3\n", "97", 40, false},
    {"adagrad_full_sparse", "name = \"adagrad_full\"\nlr = 0.05\n", "1000", 12, true},
    {"scsg_noise_mlp", "name = \"scsg\"\nlr = 0.05\nlarge_batches = 4\nnoise = \"ball\"\nnoise_scale = 0.1\n", "97", 40, false},
    {"groups_mlp", "name = \"adagrad\"\nlr = 0.05\n", "97", 40, false, 544, "", "group_lasso = 1e-3\nl1 = 1e-4\n"},
    {"ball_mlp", "name = \"momentum\"\nlr = 0.05\n", "97", 40, false, 544, "", "ball = 4\n"},
    {"dropout_mlp", "name = \"adam\"\nlr = 0.01\n", "97", 40, false, 544, "dropout = 0.4\n"},
    {"dropout_page_mlp", "name = \"page\"\nlr = 0.05\n", "97", 40, false, 544, "dropout = 0.4\n"},
    {"schedules_mlp", "name = \"sgd\"\nlr = 0.5\n[schedule]\nkind = \"plateau\"\npatience = 1\nthreshold = 1e3\nshrink = 0.5\n",
     "97\nbatch_schedule = {kind = \"geometric\", factor = 1.7}", 40, false},
    {"easgd_mlp", "name = \"easgd\"\nlr = 0.05\nworkers = 3\nperiod = 2\n", "97", 40, false},
    {"local_sgd_sparse", "name = \"local_sgd\"\nlr = 0.05\nworkers = 3\nperiod = 2\n", "1000", 40, true},
    {"psgd_mlp", "name = \"psgd\"\nlr = 0.05\n", "97", 40, false},
    {"storm_mlp", "name = \"storm\"\n", "97", 40, false},
    {"rsag_sparse", "name = \"rsag\"\nlr = 0.05\nbatch_growth = 0.3\niterations = 12\n", "97", 12, true},
    {"two_phase_rsg_mlp", "name = \"rsg\"\nlr = 0.05\niterations = 8\ncandidates = 3\n", "97", 24, false},
    {"adam_sparse", "name = \"adam\"\nlr = 0.01\n", "1000", 40, true},
    {"svrg_sparse", "name = \"svrg\"\nlr = 0.05\n", "1000", 40, true},
    {"svrg_skipping_sparse", "name = \"svrg\"\nlr = 1\nskip_flat = true\n", "1000", 40, true, 0, "", "", "smooth_hinge"},
    {"saga_sparse", "name = \"saga\"\nlr = 0.05\n", "1000", 40, true},
    {"katyusha_sparse", "name = \"katyusha\"\nlr = 0.05\n", "1000", 40, true},
    {"lbfgs_sparse", "name = \"lbfgs\"\n", "\"full\"", 8, true},
    {"pgd_sparse", "name = \"pgd\"\nlr = 0.1\n", "\"full\"", 8, true},
};

class SameBits : public testing::TestWithParam<Case> {
 protected:
  std::string config() const {
    const Case& c = GetParam();
    const std::string text = c.sparse ? sparse_config(sparse_file(folder_), c.method, c.batch, c.steps, c.loss)
                                      : mlp_config(c.method, c.batch, c.steps, c.hidden, c.model, c.omega);
    return folder_.write("run.toml", text).string();
  }
  void train(int ranks, int threads, const std::string& run, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "train", config(), "--run", (folder_ / run).string(), "--threads", std::to_string(threads), "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = talweg(ranks, arguments);
    ASSERT_EQ(result.code, 0) << result.out << result.err;
  }
  /// The exported file; empty when something failed.
  std::string exported(const std::string& run) const {
    const auto file = folder_ / (run + ".npz");
    const Result result = talweg(0, {"export", (folder_ / run).string(), "-o", file.string()});
    EXPECT_EQ(result.code, 0) << result.err;
    return read_file(file);
  }

  Folder folder_;
};

// Every number of ranks, of threads, and every placement, but not all combinations: these runs take most of the tests' time.
TEST_P(SameBits, ForAnyRanksAndThreadsAndThroughAStop) {
  ASSERT_NO_FATAL_FAILURE(train(0, 1, "alone"));
  const std::string alone = exported("alone");
  ASSERT_GT(alone.size(), 500U);
  for (const auto& [ranks, threads, placement] : {std::tuple{1, 2, "sharded"}, {2, 2, "coordinator"}, {4, 1, "replicated"}}) {
    const std::string name = "r" + std::to_string(ranks) + "t" + std::to_string(threads) + placement;
    ASSERT_NO_FATAL_FAILURE(train(ranks, threads, name, {"--set", std::string("run.placement=") + placement}));
    EXPECT_TRUE(exported(name) == alone) << name << " differs from one rank";
  }
  // Methods that draw their last step beforehand become another run when the number of steps is halved: optim.Conformance
  // resumes those.
  if (std::string(GetParam().method).find("iterations") != std::string::npos) return;
  ASSERT_NO_FATAL_FAILURE(train(
      3, 1, "parts", {"--set", "run.steps=" + std::to_string(GetParam().steps / 2), "--set", "run.placement=replicated"}));
  EXPECT_FALSE(exported("parts") == alone) << "half the steps gave the same parameters: the test shows nothing";
  ASSERT_NO_FATAL_FAILURE(train(2, 1, "parts", {"--set", "run.placement=sharded"}));
  EXPECT_TRUE(exported("parts") == alone) << "the resumed run differs";
}

INSTANTIATE_TEST_SUITE_P(Methods, SameBits, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace talweg::test
