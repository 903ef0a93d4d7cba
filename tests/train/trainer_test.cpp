// SPDX-License-Identifier: Apache-2.0
// The loop through its public door, on rows in memory and a user's own f_i: endings, resume, what is written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/trace_reader.hpp"
#include "io/trace_record.hpp"
#include "model/user_objective.hpp"
#include "talweg/train.hpp"
#include "tests/support/folder.hpp"

namespace talweg::train {
namespace {

/// f_i = (w a_i + b - y_i)^2 / 2.
class Line : public model::UserTerms {
 public:
  std::vector<model::UserTensor> tensors() const override { return {{"slope", {1}}, {"offset", {1}, true}}; }
  double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
    const double r = predict(x, e) - e.target;
    g[0] += r * e.features[0];
    g[1] += r;
    return 0.5 * r * r;
  }
  double predict(std::span<const double> x, const model::UserExample& e) const override { return x[0] * e.features[0] + x[1]; }
};

class Trainer : public testing::Test {
 protected:
  Trainer() {
    options.terms = std::make_shared<Line>();
    const base::Random random(1, base::Purpose::test);
    model::UserRows rows{.count = 256, .features = 1, .rows = {}, .targets = {}};
    for (std::uint64_t i = 0; i < rows.count; ++i) {
      rows.rows.push_back(random.normal(i));
      rows.targets.push_back(3 * rows.rows.back() - 1);
    }
    options.rows = rows;
  }
  TrainResult run(const std::string& config) {
    const auto comm = comm::alone();
    return train(base::Config::parse(config + "precision = \"float64\"\n", "test.toml"), options, *comm, {});
  }
  static double slope(const TrainResult& result) { return result.parameters.at(0).values.at(0); }
  static std::string sgd(const std::string& sections = "") {
    return sections + "[method]\nname = \"sgd\"\nlr = 0.1\n[run]\nbatch = 32\n";
  }

  test::Folder folder;
  TrainOptions options;
};

TEST_F(Trainer, FindsTheLine) {
  const TrainResult result = run(sgd() + "epochs = 40\n");
  EXPECT_EQ(result.summary.ending.reason, "epochs");
  EXPECT_EQ(result.summary.step, 40 * 8);
  EXPECT_NEAR(slope(result), 3, 1e-6);
  EXPECT_NEAR(result.parameters.at(1).values.at(0), -1, 1e-6);
  EXPECT_NEAR(result.summary.figures.get("train_r2"), 1, 1e-9);
  EXPECT_EQ(result.summary.method_costs.gradients, 40 * 256);
}

TEST_F(Trainer, RowsThatAreNoneOrNoNumbersAreRefused) {
  const auto refusal = [&]() -> std::string {
    try {
      run(sgd() + "epochs = 1\n");
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), base::ExitCode::bad_data);
      return e.what();
    }
    return "";
  };
  const model::UserRows good = *options.rows;
  options.rows->rows[17] = std::nan("");
  EXPECT_EQ(refusal(), "rows given in memory: row 17, feature 0: found nan, expected a finite float64");
  options.rows = good;
  options.rows->targets[3] = INFINITY;
  EXPECT_EQ(refusal(), "rows given in memory: row 3, target 0: found inf, expected a finite float64");
  options.rows = model::UserRows{.count = 0, .features = 1, .rows = {}, .targets = {}};
  EXPECT_EQ(refusal(), "rows given in memory: found none, expected one at least");
}

// lr = "1/L": L is the largest eigenvalue of the mean of (a, 1)(a, 1)'. Found in the first step, told, paid for, and the same
// after a resume.
TEST_F(Trainer, FindsLOnceFromTheData) {
  options.terms = nullptr;
  const auto config = [](const char* lr, int steps) {
    return fmt::format(
        "[model]\nkind = \"linear\"\nloss = \"squared\"\n[regularizer]\nl2 = 0.25\n[method]\nname = \"gd\"\nlr = \"{}\"\n"
        "[run]\nbatch = \"full\"\nsteps = {}\n",
        lr, steps);
  };
  double mean = 0, square = 0, largest = 0;
  for (const double a : options.rows->rows) {
    mean += a / 256;
    square += a * a / 256;
    largest = std::max(largest, a * a + 1);
  }
  const double spread = std::hypot((square + 0.25 - 1) / 2, mean);  // the bias has no l2
  const double L = (square + 0.25 + 1) / 2 + spread;

  options.run = folder.path() / "run";
  const TrainResult first = run(config("1/L", 3));
  const TrainResult resumed = run(config("1/L", 5));
  EXPECT_EQ(resumed.summary.part, 1);
  EXPECT_EQ(resumed.summary.method_costs.hvps, 2 * 256) << "a space of two dimensions, once";
  const io::Trace trace = io::read_trace(options.run);
  for (const double lr : trace.steps.at("learning_rate")) EXPECT_NEAR(1 / lr, L, 1e-12 * L);
  const auto told = std::ranges::count_if(trace.events, [](const io::TraceEvent& e) {
    return e.kind == "method" && e.step == 1 && e.message.find("from the data") != std::string::npos;
  });
  EXPECT_EQ(told, 1);

  options.run = folder.path() / "largest";
  run(config("0.5/L_max", 2));
  EXPECT_NEAR(0.5 / io::read_trace(options.run).steps.at("learning_rate").front(), largest + 0.25, 1e-12 * largest);
}

// Averaging changes no step, only which point is judged, kept and exported; the other is in the checkpoint under its name.
TEST_F(Trainer, GivesTheOutputOfTheMethodAndKeepsBothPoints) {
  const auto config = [](const char* method, const char* length) {
    return std::string("[method]\nname = \"sgd\"\nlr = 0.1\n") + method + "[run]\nbatch = 32\n" + length;
  };
  const TrainResult plain = run(config("", "epochs = 2\n"));
  options.run = folder.path() / "averaged";
  run(config("average = \"polyak\"\n", "epochs = 1\n"));
  const TrainResult averaged = run(config("average = \"polyak\"\n", "epochs = 2\n"));  // resumed
  EXPECT_EQ(averaged.summary.part, 1);
  EXPECT_NE(slope(averaged), slope(plain));
  EXPECT_NE(averaged.summary.figures.get("train_loss"), plain.summary.figures.get("train_loss"));

  const auto found = io::newest_intact(options.run / "checkpoints", {});
  ASSERT_TRUE(found);
  const io::Checkpoint checkpoint = io::load(found->path);
  const auto slope_of = [](const std::vector<io::StoredTensor>& tensors) {
    return std::get<std::vector<double>>(tensors.at(0).values).at(0);
  };
  EXPECT_EQ(slope_of(checkpoint.parameters), slope(averaged));
  EXPECT_EQ(slope_of(checkpoint.state.at("x")), slope(plain));
}

TEST_F(Trainer, WritesNothingWithoutARunDirectory) {
  run(sgd() + "epochs = 1\n");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(Trainer, EndsByEachCriterion) {
  EXPECT_EQ(run(sgd() + "steps = 3\n").summary.ending.reason, "steps");
  EXPECT_EQ(run(sgd("[stop]\ngradient_norm = 1e-3\n") + "epochs = 1000\n").summary.ending.reason, "gradient_norm");
  EXPECT_EQ(run(sgd("[stop]\ntarget_loss = 0.01\n") + "epochs = 1000\n").summary.ending.reason, "target_loss");
  EXPECT_EQ(run(sgd("[stop]\npatience = 2\n") + "epochs = 100000\n").summary.ending.reason, "patience");
  const TrainResult late = run(sgd("[stop]\nwall_seconds = 1e-9\n") + "epochs = 1000\n");
  EXPECT_EQ(late.summary.ending.reason, "wall_seconds");
  EXPECT_EQ(late.summary.ending.code, base::ExitCode::stopped_early);
  options.started = std::chrono::steady_clock::now() - std::chrono::hours(1);  // it took so long to read the data
  EXPECT_EQ(run(sgd("[stop]\nwall_seconds = 3000\n") + "epochs = 1000\n").summary.ending.reason, "wall_seconds");
  options.started = {};
  const TrainResult wild = run("[method]\nname = \"sgd\"\nlr = 1e30\n[run]\nepochs = 1000\n");
  EXPECT_EQ(wild.summary.ending.code, base::ExitCode::diverged);
}

// With a kink in Omega no gradient vanishes at the optimum: |x - prox(x - grad)| does.
TEST_F(Trainer, TheGradientNormStopsUnderL1Too) {
  options.run = folder / "run";
  const TrainResult result =
      run("[regularizer]\nl1 = 0.5\n[stop]\ngradient_norm = 1e-8\n[method]\nname = \"sgd\"\nlr = 0.5\n"
          "[run]\nbatch = \"full\"\nepochs = 1000\n");
  EXPECT_EQ(result.summary.ending.reason, "gradient_norm");
  EXPECT_NE(result.summary.ending.message.find("|x - prox(x - grad f)| = "), std::string::npos);
  EXPECT_LE(result.summary.figures.get("prox_gradient_norm"), 1e-8);
  EXPECT_LT(slope(result), 2.9) << "shrunk";
  const io::Trace trace = io::read_trace(folder / "run/trace.h5");
  const std::vector<double>& norms = trace.evaluation.at("prox_gradient_norm");
  ASSERT_GT(norms.size(), 2U);
  for (std::size_t i = 1; i < norms.size(); ++i) EXPECT_FALSE(std::isnan(norms[i])) << "row " << i << "'s point was checked";
  EXPECT_EQ(result.summary.observer_costs.gradients, static_cast<std::int64_t>(256 * (norms.size() - 1)))
      << "once a step, for the check and for its row";
}

TEST_F(Trainer, AsksForTheGradientOfAPointOnce) {
  for (const char* evaluations : {"0", "1", "2"}) {
    const TrainResult result = run("[stop]\ngradient_norm = 1e-12\n[trace]\nevaluate_every = " + std::string(evaluations) +
                                   "\n[method]\nname = \"sgd\"\nlr = 0.1\n[run]\nbatch = \"full\"\nsteps = 5\n");
    EXPECT_EQ(result.summary.observer_costs.gradients, 5 * 256)
        << evaluations << ": each step's check, the last for the end too";
  }
}

// The line's slope is 3: in the ball it ends at 2, where |x - prox(x - grad)| vanishes and |grad| does not; the objective is
// finite there. A group of one, the slope, is shrunk as by l1.
TEST_F(Trainer, TheGradientNormStopsInABallAndUnderGroupsToo) {
  const auto ended = [&](const std::string& omega) {
    return run("[regularizer]\n" + omega +
               "[stop]\nprox_gradient_norm = 1e-8\n[method]\nname = \"sgd\"\nlr = 0.5\n"
               "[run]\nbatch = \"full\"\nepochs = 1000\n");
  };
  const TrainResult ball = ended("ball = 2\n");
  EXPECT_EQ(ball.summary.ending.reason, "gradient_norm");
  EXPECT_LE(ball.summary.figures.get("prox_gradient_norm"), 1e-8);
  EXPECT_NEAR(slope(ball), 2, 1e-12);
  EXPECT_NEAR(ball.summary.figures.get("train_objective"), ball.summary.figures.get("train_loss"), 1e-12);
  const TrainResult groups = ended("group_lasso = 0.5\n"), l1 = ended("l1 = 0.5\n");
  EXPECT_EQ(groups.summary.ending.reason, "gradient_norm");
  EXPECT_NEAR(slope(groups), slope(l1), 1e-9);
  EXPECT_NEAR(groups.summary.figures.get("train_objective"), l1.summary.figures.get("train_objective"), 1e-9);
  EXPECT_LT(slope(groups), 2.9) << "shrunk";
}

TEST_F(Trainer, ZeroStepsAreARunToo) {
  const TrainResult result = run(sgd() + "steps = 0\n");
  EXPECT_EQ(result.summary.step, 0);
  EXPECT_EQ(result.summary.ending.code, base::ExitCode::finished);
}

TEST_F(Trainer, ResumesToTheSameBitsAndExtends) {
  const double whole = slope(run(sgd() + "steps = 30\n"));
  options.run = folder / "run";
  run(sgd() + "steps = 11\n");
  const TrainResult resumed = run(sgd() + "steps = 30\n");
  EXPECT_EQ(slope(resumed), whole);
  EXPECT_EQ(resumed.summary.part, 1);
  EXPECT_EQ(resumed.summary.method_costs.gradients, run(sgd() + "steps = 30\n").summary.method_costs.gradients)
      << "meters go on";
}

// With a threshold no evaluation can pass, the factor falls at each. What it remembers goes through a resume, also one at a
// step that an evaluation belongs to.
TEST_F(Trainer, ReduceOnPlateauRemembersItsEvaluations) {
  const auto config = [](const std::string& length) {
    return sgd("[schedule]\nkind = \"plateau\"\nshrink = 0.5\npatience = 2\nthreshold = 1e3\n") + length;
  };
  options.run = folder / "whole";
  const double whole = slope(run(config("epochs = 7\n")));
  const io::Trace trace = io::read_trace(options.run);
  const auto& rates = trace.steps.at("learning_rate");
  ASSERT_EQ(rates.size(), 56U);
  for (std::size_t k = 0; k < rates.size(); ++k)  // evaluations at 0, 8, 16, ...: the third and every second one after it
    EXPECT_DOUBLE_EQ(rates[k], 0.1 * std::pow(0.5, static_cast<double>(k / 16))) << "step " << k;
  EXPECT_TRUE(std::ranges::any_of(trace.events, [](const io::TraceEvent& e) { return e.kind == "schedule" && e.step == 16; }));
  for (const char* first : {"16", "21", "24"}) {
    options.run = folder / first;
    run(config(std::string("steps = ") + first + "\n"));
    EXPECT_EQ(slope(run(config("steps = 56\n"))), whole) << first;
  }
}

TEST_F(Trainer, AScheduleMayBecomeOneThatGoesByEvaluations) {
  options.run = folder / "run";
  run(sgd() + "steps = 8\n");
  const TrainResult result = run(sgd("[schedule]\nkind = \"plateau\"\n") + "steps = 20\n");
  EXPECT_EQ(result.summary.step, 20);
}

// 256 examples: 8 steps of 32, then 4 of 64, 2 of 128, 2 of 128.
TEST_F(Trainer, BatchesGrowFromEpochToEpoch) {
  const auto config = [](const std::string& length) {
    return sgd("[schedule]\nkind = \"exponential\"\nrate = 0.5\nstaircase = true\n") +
           "batch_schedule = {kind = \"geometric\", factor = 2, most = 128}\n" + length;
  };
  options.run = folder / "whole";
  const TrainResult whole = run(config("epochs = 4\n"));
  EXPECT_EQ(whole.summary.step, 16);
  EXPECT_EQ(whole.summary.epoch, 4);
  EXPECT_EQ(whole.summary.method_costs.gradients, 4 * 256);
  const io::Trace trace = io::read_trace(options.run);
  EXPECT_EQ(trace.steps.at("examples"),
            (std::vector<double>{32, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024}));
  const std::vector<double> rates = trace.steps.at("learning_rate");
  for (std::size_t k = 0; k < 16; ++k)
    EXPECT_DOUBLE_EQ(rates[k], 0.1 * std::pow(0.5, k < 8 ? 0 : k < 12 ? 1 : k < 14 ? 2 : 3)) << k << ": schedules go by epochs";
  EXPECT_EQ(trace.evaluation.at("step"), (std::vector<double>{0, 8, 12, 14, 16}));
  for (const char* first : {"5", "12", "13"}) {
    options.run = folder / first;
    run(config(std::string("steps = ") + first + "\n"));
    EXPECT_EQ(slope(run(config("steps = 16\n"))), slope(whole)) << first;
  }
}

TEST_F(Trainer, TheTraceHasARowForEachStepAndNoGaps) {
  options.run = folder / "run";
  run(sgd() + "steps = 11\n");
  run(sgd() + "steps = 20\n");
  const io::Trace trace = io::read_trace(options.run);
  const auto& steps = trace.steps.at("step");
  ASSERT_EQ(steps.size(), 20U);
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i], static_cast<double>(i + 1));
  EXPECT_EQ(trace.steps.at("part").front(), 0);
  EXPECT_EQ(trace.steps.at("part").back(), 1);
  EXPECT_EQ(trace.steps.at("gradient_evaluations").back(), 20 * 32);
  EXPECT_EQ(trace.events.front().kind, "start");
  EXPECT_EQ(trace.events.back().kind, "end");
}

TEST_F(Trainer, AKillBeforeTheFirstCheckpointStartsAnew) {
  options.run = folder / "run";
  const double whole = slope(run(sgd() + "steps = 30\n"));
  std::filesystem::remove_all(options.run / "checkpoints");
  std::filesystem::remove(options.run / "summary.json");
  const TrainResult again = run(sgd() + "steps = 30\n");
  EXPECT_EQ(slope(again), whole);
  EXPECT_EQ(io::read_trace(options.run).steps.at("step").size(), 30U);
}

TEST_F(Trainer, DivergenceLeavesTheLastCheckpoint) {
  options.run = folder / "run";
  const TrainResult good = run(sgd() + "steps = 8\n");
  const TrainResult wild = run("[method]\nname = \"sgd\"\nlr = 1e200\n[run]\nbatch = 32\nsteps = 50\n");
  EXPECT_EQ(wild.summary.ending.code, base::ExitCode::diverged);
  const auto found = io::newest_intact(options.run / "checkpoints", {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 8);
  EXPECT_EQ(std::get<std::vector<double>>(io::load(found->path).parameters.at(0).values).at(0), slope(good));
}

TEST_F(Trainer, AnotherBatchIsRefusedOnResume) {
  options.run = folder / "run";
  run(sgd() + "steps = 3\n");
  EXPECT_THROW(run("[method]\nname = \"sgd\"\nlr = 0.1\n[run]\nbatch = 16\nsteps = 5\n"), base::Error);
}

TEST_F(Trainer, OtherRowsAreRefusedOnResume) {
  options.run = folder / "run";
  run(sgd() + "steps = 3\n");
  options.rows->targets[17] += 1;
  try {
    run(sgd() + "steps = 5\n");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_data);
    EXPECT_NE(std::string(e.what()).find("fingerprint"), std::string::npos) << e.what();
  }
}

TEST_F(Trainer, KeepsTheBest) {
  options.run = folder / "run";
  const TrainResult result = run(sgd() + "epochs = 5\n");
  ASSERT_TRUE(result.summary.best_step);
  EXPECT_EQ(*result.summary.best_step, 40);
  EXPECT_EQ(io::load(options.run / "checkpoints" / "best.h5").step, 40);
}

class Thrower final : public Line {
 public:
  double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
    if (e.record == 100) throw std::runtime_error("record 100 cannot be had");
    return Line::value_and_gradient(x, e, g);
  }
};

TEST_F(Trainer, WhatAUsersTermThrowsEndsTheRunWithItsMessage) {
  options.terms = std::make_shared<Thrower>();
  try {
    run(sgd() + "epochs = 1\n");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("record 100 cannot be had"), std::string::npos) << e.what();
  }
}

TEST_F(Trainer, AUsersTermsGiveNoCurvatureUnlessWritten) {
  EXPECT_FALSE(model::UserObjective<double>(options.terms).capabilities().hvp);
}

}  // namespace
}  // namespace talweg::train
