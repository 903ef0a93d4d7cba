// SPDX-License-Identifier: Apache-2.0
#include "train/run_config.hpp"

#include <gtest/gtest.h>

#include "talweg/error.hpp"
#include "train/config_change.hpp"

namespace talweg::train {
namespace {

constexpr const char* kBase =
    "[data]\ntrain = {path = \"a.csv\"}\n"
    "[model]\nkind = \"linear\"\nloss = \"cross_entropy\"\n";

base::Config parse(const std::string& rest) { return base::Config::parse(kBase + rest, "run.toml"); }

/// The message of the error that parse_run throws; checks its code.
std::string refusal(const std::string& rest) {
  try {
    parse_run(parse(rest));
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_config);
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown for: " << rest;
  return "";
}

void expect_refusal(const std::string& rest, std::initializer_list<const char*> pieces) {
  const std::string message = refusal(rest);
  for (const char* piece : pieces)
    EXPECT_NE(message.find(piece), std::string::npos) << '"' << piece << "\" is not in: " << message;
}

TEST(RunConfig, DefaultsAreThoseOfTheDesign) {
  const RunConfig run = parse_run(parse(""));
  EXPECT_EQ(run.method_name, "sgd");
  EXPECT_EQ(run.run.engine.batch, 64U);
  EXPECT_EQ(run.run.engine.reduction, engine::Reduction::exact);
  EXPECT_EQ(run.run.precision, math::Precision::float32);
  EXPECT_EQ(run.checkpoint.keep, 2);
  EXPECT_EQ(run.stop.metric, "train_objective") << "there is no validation part";
}

TEST(RunConfig, FullBatchIsAWord) {
  EXPECT_EQ(parse_run(parse("[run]\nbatch = \"full\"\n")).run.engine.batch, 0U);
  expect_refusal("[run]\nbatch = \"all\"\n", {"run.toml:7:", "run.batch", "\"all\"", "\"full\""});
  expect_refusal("[run]\nbatch = 0\n", {"run.toml:7:", "run.batch", "0"});
}

TEST(RunConfig, EpochsOrSteps) {
  EXPECT_EQ(parse_run(parse("[run]\nsteps = 7\n")).run.steps, 7);
  expect_refusal("[run]\nsteps = 7\nepochs = 2\n", {"run.toml:", "one of them"});
}

TEST(RunConfig, NeedsOfAMethodAreCheckedBeforeDataIsRead) {
  expect_refusal("[method]\nname = \"lbfgs\"\n", {"method.name", "lbfgs", "full"});
  expect_refusal("[method]\nname = \"lbfgs\"\n[run]\nbatch = \"full\"\n[regularizer]\nl1 = 0.1\n", {"lbfgs", "smooth Omega"});
  EXPECT_NO_THROW(parse_run(parse("[method]\nname = \"lbfgs\"\n[run]\nbatch = \"full\"\n[regularizer]\nl2 = 0.1\n")));
  // What is blamed is the key that does not fit, with who takes it.
  expect_refusal("[regularizer]\nl1 = 0.1\n[method]\nname = \"nadam\"\n",
                 {"run.toml:7:1: regularizer.l1: found 0.1", "smooth Omega", "nadam", "these fit this run: sgd, "});
  expect_refusal("[regularizer]\nbox = [0, 1]\n[method]\nname = \"nadam\"\n", {"regularizer.box: found [0, 1]"});
  expect_refusal("[regularizer]\nnonnegative = true\n[method]\nname = \"nadam\"\n", {"regularizer.nonnegative: found true"});
  const std::string owlqn = "[method]\nname = \"owlqn\"\n[run]\nbatch = \"full\"\n[regularizer]\nl1 = 0.1\n";
  EXPECT_NO_THROW(parse_run(parse(owlqn)));
  expect_refusal(owlqn + "nonnegative = true\n", {"regularizer.nonnegative", "l1 alone"});
  expect_refusal("[regularizer]\nnonnegative = true\nbox = [0, 1]\n", {"regularizer.nonnegative", "one of them"});
}

TEST(RunConfig, GroupLassoAndBallAreRefusedByWhoseSourceHasNoProxForThem) {
  expect_refusal("[regularizer]\ngroup_lasso = 0.1\n[method]\nname = \"adam\"\n",
                 {"run.toml:7:1: regularizer.group_lasso: found 0.1", "no group lasso", "these fit this run", "adagrad"});
  expect_refusal("[regularizer]\nball = 3\n[method]\nname = \"nadam\"\n",
                 {"regularizer.ball: found 3", "smooth Omega", "these fit this run", "sgd", "momentum"});
  EXPECT_EQ(refusal("[regularizer]\nball = 3\n[method]\nname = \"nadam\"\n").find("rmsprop"), std::string::npos)
      << "which takes a box, and no ball";
  expect_refusal("[method]\nname = \"owlqn\"\n[run]\nbatch = \"full\"\n[regularizer]\nl1 = 0.1\nball = 3\n",
                 {"regularizer.ball", "l1 alone"});
  EXPECT_NO_THROW(parse_run(parse("[regularizer]\ngroup_lasso = 0.1\n[method]\nname = \"adagrad\"\n")));
}

TEST(RunConfig, NoiseWithoutAProxIsBlamedForItself) {
  const std::string said = refusal("[regularizer]\nl1 = 0.1\n[method]\nname = \"sgd\"\nnoise = \"langevin\"\n");
  for (const char* piece : {"regularizer.l1", "method.noise = \"langevin\"", "exp(-F / T)"})
    EXPECT_NE(said.find(piece), std::string::npos) << said;
  EXPECT_EQ(said.find("these fit"), std::string::npos) << "no other method helps: " << said;
}

TEST(RunConfig, TheProxGradientsNormIsTheGradientsByAnotherName) {
  EXPECT_EQ(parse_run(parse("[stop]\nprox_gradient_norm = 1e-3\n")).stop.gradient_norm, 1e-3);
  expect_refusal("[stop]\nprox_gradient_norm = 1e-3\ngradient_norm = 1e-3\n", {"stop.prox_gradient_norm", "one of them"});
}

TEST(RunConfig, BatchesMayChangeFromEpochToEpoch) {
  const auto batches = [](const std::string& schedule) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
    for (const data::BatchChange& c :
         parse_run(parse("[run]\nbatch = 10\nbatch_schedule = " + schedule + "\n")).run.engine.batches)
      found.emplace_back(c.epoch, c.batch);
    return found;
  };
  using Batches = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  EXPECT_EQ(batches("{kind = \"piecewise\", boundaries = [2, 5], batches = [20, 15]}"), (Batches{{2, 20}, {5, 15}}));
  EXPECT_EQ(batches("{kind = \"geometric\", factor = 1.5, every = 3, most = 40}"),
            (Batches{{3, 15}, {6, 22}, {9, 33}, {12, 40}}));
  const auto refused = [](const std::string& run, std::initializer_list<const char*> pieces) {
    expect_refusal("[run]\n" + run, pieces);
  };
  refused("batch_schedule = {kind = \"piecewise\"}\n", {"run.batch_schedule.boundaries", "at least one epoch"});
  refused("batch_schedule = {kind = \"piecewise\", boundaries = [3, 3], batches = [1, 2]}\n", {"boundaries", "ascending"});
  refused("batch_schedule = {kind = \"piecewise\", boundaries = [3], batches = [1, 2]}\n", {"batches", "2 beside 1"});
  refused("batch_schedule = {kind = \"geometric\", evry = 3}\n", {"evry", "every"});
  refused("batch = \"full\"\nbatch_schedule = {kind = \"geometric\"}\n", {"run.batch_schedule", "full"});
  for (const std::string method : {"svrg", "rsag"}) {
    refused("steps = 1000\nbatch_schedule = {kind = \"geometric\"}\n[method]\nname = \"" + method + "\"\n",
            {"run.batch_schedule: found batches that change", method.c_str(), "these fit this run", "adam"});
  }
}

TEST(RunConfig, SchedulesAreRefusedWhereStepsHaveLengthsOfTheirOwn) {
  const std::string method = "[run]\nsteps = 1000\n[method]\nname = \"rspg\"\n";
  for (const char* schedule : {"[schedule]\nkind = \"cosine\"\n", "[schedule]\nwarmup = 1\n"}) {
    expect_refusal(method + schedule, {"schedule.kind: found a rate that changes", "rspg", "lengths of its own", "adam"});
  }
  EXPECT_NO_THROW(parse_run(parse(method + "[schedule]\nkind = \"constant\"\n")));
  const std::string full = "[schedule]\nkind = \"cosine\"\n[run]\nbatch = \"full\"\n[method]\nname = ";
  for (const char* name : {"agd", "fista", "proximal_gradient", "gd"}) {
    const std::string line = fmt::format("\"{}\"\nlr = 0.1\n", name);
    EXPECT_NO_THROW(parse_run(parse(full + line))) << name;
    const char* search = std::string_view(name) == "gd" ? "armijo" : "backtracking";
    expect_refusal(full + line + fmt::format("search = \"{}\"\n", search),
                   {"schedule.kind", name, "a search finds every length"});
  }
  const std::string theory = "mode = \"theory\"\nsmoothness = 1\nhessian_lipschitz = 1\n";
  expect_refusal(full + "\"pgd\"\nobjective_gap = 1\n" + theory, {"schedule.kind", "pgd", "its theorem"});
  expect_refusal(full + "\"psgd\"\ngradient_variance = 1\n" + theory, {"schedule.kind", "psgd", "its theorem"});
}

TEST(RunConfig, FormsForStronglyConvexFAskForOne) {
  const auto linear = [](const char* loss, const std::string& rest) {
    return base::Config::parse(fmt::format("[data]\ntrain = {{path = \"a.csv\"}}\n[model]\nkind = \"linear\"\nloss = \"{}\"\n"
                                           "[run]\nbatch = \"full\"\n{}",
                                           loss, rest),
                               "run.toml");
  };
  const std::string agd = "[method]\nname = \"agd\"\nlr = 0.1\nform = \"strongly_convex\"\nstrong_convexity = 0.1\n";
  const std::string katyusha = "[method]\nname = \"katyusha\"\nlr = 0.1\nstrong_convexity = 0.1\n";
  for (const std::string& method : {agd, katyusha}) {
    EXPECT_THROW(parse_run(linear("logistic", method)), base::Error) << method;
    EXPECT_NO_THROW(parse_run(linear("logistic", method + "[regularizer]\nl2 = 0.1\n")));
    EXPECT_THROW(parse_run(linear("squared", method)), base::Error) << "columns may depend on each other";
    EXPECT_NO_THROW(parse_run(linear("squared", method + "[regularizer]\nl2 = 0.1\n")));
    for (const char* flat : {"cross_entropy", "huber"}) {
      EXPECT_THROW(parse_run(linear(flat, method + "[regularizer]\nl2 = 0.1\n")), base::Error) << flat << ", its bias free";
      EXPECT_NO_THROW(parse_run(linear(flat, method + "[regularizer]\nl2 = 0.1\ninclude_bias = true\n")));
    }
  }
  expect_refusal("[run]\nbatch = \"full\"\n" + agd, {"agd", "strongly convex F", "form = \"convex\""});
}

TEST(RunConfig, DropoutIsRefusedWhereFHasToBeTheSameEachTime) {
  const auto with = [](const std::string& rest) {
    return base::Config::parse(
        "[data]\ntrain = {path = \"a.csv\"}\n[model]\nkind = \"mlp\"\nloss = \"cross_entropy\"\n"
        "dropout = 0.5\n" +
            rest,
        "run.toml");
  };
  for (const char* rest : {"[method]\nname = \"lbfgs\"\n[run]\nbatch = \"full\"\n", "[method]\nname = \"sophia\"\n",
                           "[method]\nname = \"sgd\"\nlr = \"1/L\"\n", "[method]\nname = \"rsgf\"\n[run]\nsteps = 2000\n",
                           "[run]\nbatch = \"full\"\n"}) {
    try {
      parse_run(with(rest));
      ADD_FAILURE() << rest << " was taken";
    } catch (const base::Error& e) {
      EXPECT_NE(std::string(e.what()).find("run.toml:6:1: model.dropout: found 0.5"), std::string::npos) << e.what();
    }
  }
  for (const char* rest : {"[method]\nname = \"adam\"\n", "[method]\nname = \"svrg\"\n"}) {
    EXPECT_NO_THROW(parse_run(with(rest))) << rest;
  }
}

TEST(RunConfig, ValidationMetricsNeedAValidationPart) {
  expect_refusal("[stop]\nmetric = \"valid_accuracy\"\n", {"stop.metric", "valid_accuracy", "holdout"});
}

TEST(RunConfig, StopsThatNeedEvaluationsNeedThem) {
  expect_refusal("[stop]\npatience = 3\n[trace]\nevaluate_every = 0\n", {"trace.evaluate_every", "stop.patience"});
  expect_refusal("[stop]\ntarget_loss = 0.1\n[trace]\nevaluate_every = 0\n", {"trace.evaluate_every", "stop.target_loss"});
  expect_refusal("[schedule]\nkind = \"plateau\"\n[trace]\nevaluate_every = 0\n", {"trace.evaluate_every", "schedule"});
  EXPECT_NO_THROW(parse_run(parse("[trace]\nevaluate_every = 0\n")));
}

TEST(RunConfig, KeysOfAnotherModeSayOfWhich) {
  expect_refusal("[method]\nname = \"adam\"\naverage_decay = 0.9\n",
                 {"run.toml:8:1: method.average_decay", "together with average = \"exponential\""});
  expect_refusal("[method]\nname = \"pgd\"\nobjective_gap = 1\n[run]\nbatch = \"full\"\n",
                 {"method.objective_gap", "together with mode = \"theory\""});
  expect_refusal("[method]\nname = \"adam\"\naverage_decy = 0.9\n", {"method.average_decy: unknown key"});
}

TEST(RunConfig, KeysOfLayersAreUnknownWhereThereAreNone) {
  const auto config = base::Config::parse(
      "[data]\ntrain = {path = \"a.csv\"}\n[model]\nkind = \"linear\"\nloss = \"cross_entropy\"\nactivation = \"relu\"\n",
      "run.toml");
  EXPECT_THROW(parse_run(config), base::Error);
}

TEST(RunConfig, UnknownKeysAreRefusedWithTheNearestName) {
  expect_refusal("[run]\nbach = 3\n", {"run.toml:7:1", "bach", "batch"});
  expect_refusal("[stopp]\npatience = 3\n", {"run.toml:6:", "stopp", "stop"});
}

std::vector<ConfigChange> changes(const std::string& before, const std::string& after) {
  const base::Config a = parse(before);
  const base::Config b = parse(after);
  parse_run(a);
  parse_run(b);
  return config_changes(a, b);
}

struct ChangeCase {
  const char* before;
  const char* after;
  const char* key;
  ChangeKind kind;
  friend void PrintTo(const ChangeCase& c, std::ostream* out) { *out << c.key; }
};

class ConfigChanges : public testing::TestWithParam<ChangeCase> {};

TEST_P(ConfigChanges, AreOfTheirKind) {
  const ChangeCase& c = GetParam();
  const auto found = changes(c.before, c.after);
  ASSERT_EQ(found.size(), 1U) << c.after;
  EXPECT_EQ(found[0].key, c.key);
  EXPECT_EQ(found[0].kind, c.kind) << c.key;
}

INSTANTIATE_TEST_SUITE_P(Table, ConfigChanges,
                         testing::Values(ChangeCase{"", "[run]\nseed = 2\n", "run.seed", ChangeKind::refused},
                                         ChangeCase{"", "[run]\nbatch = 32\n", "run.batch", ChangeKind::refused},
                                         ChangeCase{"", "[run]\nprecision = \"float64\"\n", "run.precision",
                                                    ChangeKind::refused},
                                         ChangeCase{"", "[run]\nsampling = \"replace\"\n", "run.sampling", ChangeKind::refused},
                                         ChangeCase{"", "[run]\nleaf = 8\n", "run.leaf", ChangeKind::refused},
                                         ChangeCase{"", "[run]\nreduction = \"fast\"\n", "run.reduction", ChangeKind::refused},
                                         ChangeCase{"", "bias = false\n", "model.bias", ChangeKind::refused},
                                         ChangeCase{"", "[regularizer]\nl2 = 0.1\n", "regularizer.l2", ChangeKind::refused},
                                         ChangeCase{"", "[run]\nepochs = 20\n", "run.epochs", ChangeKind::logged},
                                         ChangeCase{"", "[method]\nlr = 0.5\n", "method.lr", ChangeKind::logged},
                                         ChangeCase{"", "[schedule]\nwarmup = 2\n", "schedule.warmup", ChangeKind::logged},
                                         ChangeCase{"", "[stop]\npatience = 2\n", "stop.patience", ChangeKind::logged},
                                         ChangeCase{"", "[trace]\nevery = 5\n", "trace.every", ChangeKind::free},
                                         ChangeCase{"", "[checkpoint]\nkeep = 5\n", "checkpoint.keep", ChangeKind::free}));

TEST(ConfigChanges, AnotherMethodIsRefused) {
  bool refused = false;
  for (const ConfigChange& change : changes("", "[method]\nname = \"adam\"\n")) {
    refused |= change.key == "method.name" && change.kind == ChangeKind::refused;
  }
  EXPECT_TRUE(refused);
}

TEST(ConfigChanges, AMovedFileIsFreeButAnotherFormatIsNot) {
  EXPECT_EQ(change_kind("data.train.path"), ChangeKind::free);
  EXPECT_EQ(change_kind("data.train.format"), ChangeKind::refused);
  EXPECT_EQ(change_kind("data.holdout"), ChangeKind::refused);
  EXPECT_EQ(change_kind("method.average"), ChangeKind::refused) << "/parameters would be another point";
  EXPECT_EQ(change_kind("method.average_decay"), ChangeKind::logged);
  EXPECT_EQ(change_kind("data.split_seed"), ChangeKind::refused);
}

TEST(ConfigChanges, WhatDecidesTheStateOrTheStepItEndsWithIsRefused) {
  for (const char* key : {"workers", "candidates", "iterations", "snapshot", "memory", "window"})
    EXPECT_EQ(change_kind("method." + std::string(key)), ChangeKind::refused) << key;
  for (const char* key : {"snapshot_every", "period"})
    EXPECT_EQ(change_kind("method." + std::string(key)), ChangeKind::logged) << key;
}

}  // namespace
}  // namespace talweg::train
