// SPDX-License-Identifier: Apache-2.0
// Whole runs over ranks and nodes: a checkpoint does not depend on the placement and the number of nodes it was written with.
#include "talweg/train.hpp"

#include <gtest/gtest.h>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/npz.hpp"
#include "tests/e2e/problems.hpp"
#include "tests/mpi/worlds.hpp"

namespace talweg::test {
namespace {

struct Case {
  const char* name;
  const char* method;  // TOML of [method]
  const char* batch;
  int steps;
  bool linear = false;     // not the MLP
  const char* omega = "";  // more of [regularizer]
};

const Case kCases[] = {
    {"adam", "name = \"adam\"\nlr = 0.01\n", "97", 18},
    {"svrg", "name = \"svrg\"\nlr = 0.05\n", "97", 18},
    {"lbfgs", "name = \"lbfgs\"\nmemory = 3\n", "\"full\"", 4},
    {"gd", "name = \"gd\"\nlr = \"0.5/L\"\nsearch = \"armijo\"\n", "\"full\"", 4},
    {"barzilai_borwein", "name = \"barzilai_borwein\"\nlr = \"1/L\"\n", "\"full\"", 4},
    {"nonlinear_cg", "name = \"nonlinear_cg\"\n", "\"full\"", 4},
    {"owlqn", "name = \"owlqn\"\nmemory = 3\n", "\"full\"", 4},
    {"pgd", "name = \"pgd\"\nlr = 0.1\ngradient_threshold = 10.0\nnoise_interval = 2\n", "\"full\"", 4},
    {"saga", "name = \"saga\"\nlr = 0.05\n", "97", 18, true},
    {"groups", "name = \"adagrad\"\nlr = 0.05\n", "97", 18, false, "group_lasso = 1e-3\n"},
    {"ball", "name = \"adagrad\"\nlr = 0.05\n", "97", 18, false, "ball = 5\n"},
    {"momentum_ball", "name = \"momentum\"\nlr = 0.05\n", "97", 18, false, "ball = 5\n"},
    {"katyusha_groups", "name = \"katyusha\"\nlr = 0.05\n", "97", 18, true, "group_lasso = 1e-3\n"},
};

class PlacementOfARunWith : public testing::TestWithParam<Case> {
 protected:
  /// Resumes run `name` up to `steps` on these ranks; all of them give the same name.
  static train::Ending train(comm::Communicator& comm, const std::filesystem::path& run, const char* placement, int steps) {
    // 150 units: more blocks than ranks.
    std::string text = mlp_config(GetParam().method, GetParam().batch, steps, 150, "", GetParam().omega);
    if (GetParam().linear) {
      const std::string mlp = "\"mlp\"\nhidden = [150]\nactivation = \"tanh\"";
      text.replace(text.find(mlp), mlp.size(), "\"linear\"");
    }
    text += "placement = \"" + std::string(placement) + "\"\n";
    train::TrainOptions options;
    options.run = run;
    options.threads = 1;
    return train::train(base::Config::parse(text, "run.toml"), options, comm, {}).summary.ending;
  }
  /// Rank 0's folder, named on every rank.
  [[nodiscard]] std::filesystem::path folder(comm::Communicator& comm) const {
    return comm.broadcast_text(own_.path().string());
  }

 private:
  Folder own_;
};

io::Checkpoint last(const std::filesystem::path& run) {
  return io::load(io::newest_intact(run / "checkpoints", base::Log{}).value().path);
}

std::string exported(const Folder& folder, const io::Checkpoint& checkpoint) {
  io::write_npz(folder / "model.npz", checkpoint.parameters);
  return read_file(folder / "model.npz");
}

void expect_same(const std::vector<io::StoredTensor>& a, const std::vector<io::StoredTensor>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t t = 0; t < a.size(); ++t) EXPECT_TRUE(a[t].values == b[t].values) << what << ", tensor " << a[t].name;
}

/// Compares everything except the counts of resumes and seconds.
void expect_same(io::Checkpoint a, io::Checkpoint b, const std::string& what) {
  EXPECT_EQ(a.step, b.step) << what;
  expect_same(a.parameters, b.parameters, what + ", parameters");
  ASSERT_EQ(a.state.size(), b.state.size()) << what;
  ASSERT_FALSE(a.state.empty());
  for (const auto& [slot, tensors] : a.state) expect_same(tensors, b.state.at(slot), what + ", " + slot);
  for (io::Checkpoint* c : {&a, &b}) {
    c->counters.erase("trainer.part");
    c->scalars.erase("trainer.seconds");
  }
  EXPECT_EQ(a.arrays, b.arrays) << what;
  EXPECT_EQ(a.scalars, b.scalars) << what;
  EXPECT_EQ(a.counters, b.counters) << what;
}

TEST_P(PlacementOfARunWith, OneWritesTheCheckpointAnotherGoesOn) {
  const int steps = GetParam().steps;
  const std::filesystem::path runs = folder(*world);
  if (world->coordinator()) {
    for (const int until : {steps / 2, steps}) train(*comm::alone(), runs / "alone", "coordinator", until);
  }
  struct Way {
    const char* name;
    comm::Communicator* first_ranks;
    const char* first;
    comm::Communicator* then_ranks;
    const char* then;
  };
  const Way ways[] = {
      {"s-c", pairs.get(), "sharded", singles.get(), "coordinator"},
      {"c-s", pairs.get(), "coordinator", singles.get(), "sharded"},
      {"s-s", singles.get(), "sharded", pairs.get(), "sharded"},
      {"s-r", singles.get(), "sharded", world.get(), "replicated"},
  };
  for (const Way& way : ways) {
    const std::filesystem::path run = runs / way.name;
    ASSERT_EQ(train(*way.first_ranks, run, way.first, steps / 2).code, base::ExitCode::finished) << way.name;
    ASSERT_EQ(train(*way.then_ranks, run, way.then, steps).code, base::ExitCode::finished) << way.name;
    if (!world->coordinator()) continue;
    const io::Checkpoint expected = last(runs / "alone");
    const io::Checkpoint found = last(run);
    const Folder one, other;
    EXPECT_TRUE(exported(one, found) == exported(other, expected)) << way.name;
    expect_same(found, expected, way.name);
  }
}

TEST(PlacementOfARun, DivergesOnEveryRank) {
  train::TrainOptions options;
  options.threads = 1;
  const auto config =
      base::Config::parse(mlp_config("name = \"sgd\"\nlr = 1e30\n", "97", 50) + "placement = \"sharded\"\n", "run.toml");
  EXPECT_EQ(train::train(config, options, *singles, {}).summary.ending.code, base::ExitCode::diverged);
}

INSTANTIATE_TEST_SUITE_P(Methods, PlacementOfARunWith, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace talweg::test
