// SPDX-License-Identifier: Apache-2.0
// What the bench derives from what it has measured, and its reports.
#include "bench/figures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/machine.hpp"

namespace talweg::test {
namespace {

train::Summary summary() {
  train::Summary s;
  s.model = "mlp 4-3-2";
  s.method = "adam";
  s.step = 13;  // three to warm up
  s.part_steps = 10;
  s.ranks = 2;
  s.threads = 2;
  s.gradient_flop = 1e6;
  s.examples_per_second = 1e5;  // 100 GFLOP/s
  s.training_seconds = 1;
  s.phases = {.gradient = 0.5, .allreduce = 0.2, .update = 0.1, .broadcast = 0.05};
  s.traffic = {.messages = 40, .bytes = 4'000'000'000};
  s.memory = {.parameters = 4e8,
              .method_state = 8e8,
              .tables = 5,
              .other_state = 3e8,
              .sums = 6e8,
              .activations = 1,
              .full_pass = 4,
              .prepared = 6,
              .shard = 2,
              .snapshot = 3};
  return s;
}

bench::MachineFigures machine() {
  bench::MachineFigures m;
  m.gemm = 50;
  m.fma = 100;
  m.triad = 500;
  m.resident = {1e9, 2e9};
  m.ranks_on_node = 2;
  return m;
}

TEST(Bench, HoldsRatesAgainstTheMachineAllThreadsTogether) {
  const bench::StepFigures f = bench::step_figures(summary(), machine());
  EXPECT_DOUBLE_EQ(f.gflops, 100);
  EXPECT_DOUBLE_EQ(f.gemm_share, 0.5);  // of four threads
  EXPECT_DOUBLE_EQ(f.fma_share, 0.25);
  EXPECT_DOUBLE_EQ(f.allreduce_rate, 20);
}

TEST(Bench, AnUpdateReadsSumsAndMovesEachVectorTwice) {
  const train::Memory m = summary().memory;
  // Two ranks' sums on one node; one after nodes have added theirs up.
  EXPECT_DOUBLE_EQ(bench::update_bytes(m, 2, 1, false), 2 * 6e8 + 2 * (4e8 + 8e8));
  EXPECT_DOUBLE_EQ(bench::update_bytes(m, 2, 3, false), 6e8 + 2 * (4e8 + 8e8));
  EXPECT_DOUBLE_EQ(bench::update_bytes(m, 2, 4, true), (6e8 + 2 * (4e8 + 8e8)) / 4);
  EXPECT_DOUBLE_EQ(bench::step_figures(summary(), machine()).update_rate, 3.6 * 10 / 0.1);
}

TEST(Bench, ReportsEveryRanksMemoryAndWhatWasExpected) {
  const auto json = nlohmann::json::parse(bench::bench_json(summary(), machine()));
  EXPECT_EQ(json["resident_bytes"].size(), 2U);
  const train::Memory m = summary().memory;
  const nlohmann::json expected = {{"parameters", m.parameters},
                                   {"method_state", m.method_state},
                                   {"tables", m.tables},
                                   {"other_state", m.other_state},
                                   {"sums", m.sums},
                                   {"activations", m.activations},
                                   {"full_pass", m.full_pass},
                                   {"prepared", m.prepared},
                                   {"shard", m.shard},
                                   {"checkpoint_copy", m.snapshot}};
  EXPECT_EQ(json["expected_bytes"], expected);
  EXPECT_DOUBLE_EQ(json["messages_per_step"], 4);
  EXPECT_DOUBLE_EQ(json["seconds_per_step"]["update"], 0.01);
  const std::string text = bench::bench_text(summary(), machine());
  EXPECT_NE(text.find("1000.0 2000.0 MB resident"), std::string::npos) << text;
  EXPECT_NE(text.find("50 % of 4 x 50.0"), std::string::npos) << text;
}

TEST(Bench, ARunWithoutAnUpdatePhaseHasNoRate) {
  train::Summary s = summary();
  s.phases = {};
  const bench::StepFigures f = bench::step_figures(s, machine());
  EXPECT_EQ(f.update_rate, 0);
  EXPECT_EQ(f.allreduce_rate, 0);
}

TEST(Bench, ReportsProductsBesideTheFlopTheyTake) {
  bench::ProductTimes t{.model = "mlp", .batch = 8, .rounds = 20, .gradient = 1e-3, .moved = 2e-3, .kept = 1e-3};
  t.moved_ratio = 2;
  t.kept_ratio = 1;
  EXPECT_EQ(bench::products_text(t).find("flop"), std::string::npos) << "not known";
  t.moved_flop_ratio = 1.6;
  t.kept_flop_ratio = 1.2;
  EXPECT_NE(bench::products_text(t).find("2.00 gradients; flop 1.60, time / flop 1.25"), std::string::npos)
      << bench::products_text(t);
  EXPECT_EQ(nlohmann::json::parse(bench::products_json(t))["flop_ratio"]["kept"], 1.2);
}

TEST(Machine, SaysHowMuchMemoryWasResident) {
  const double before = bench::peak_resident_bytes();
  std::vector<char> pages(100'000'000, 1);
  EXPECT_GT(bench::peak_resident_bytes(), before + 5e7);
  EXPECT_EQ(pages.back(), 1);
}

TEST(Machine, MeasuresSomething) {  // the value depends on the machine
  EXPECT_GT(bench::fma_peak<float>(), 0);
  EXPECT_GT(bench::fma_peak<double>(), 0);
  EXPECT_GT(bench::gemm_peak<float>(), 0);
  EXPECT_GT(bench::triad_bandwidth(math::Threads(1), 0), 0) << "at least one block";
}

}  // namespace
}  // namespace talweg::test
