// SPDX-License-Identifier: Apache-2.0
// Saddles, through the whole trainer: gradient descent that begins exactly on a saddle's stable side never leaves it, noise
// does.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "talweg/train.hpp"

namespace talweg::train {
namespace {

TrainResult run(const std::string& problem, const std::string& method, std::uint64_t seed, const std::string& rest) {
  const auto comm = comm::alone();
  const std::string text = fmt::format(
      "[problem]\nname = \"staircase\"\n{}[method]\n{}[run]\nbatch = \"full\"\nprecision = \"float64\"\nseed = {}\n{}", problem,
      method, seed, rest);
  TrainOptions options;
  options.threads = 1;
  return train(base::Config::parse(text, "test.toml"), options, *comm, {});
}

TEST(Saddles, GradientDescentLeavesNoBitOfAnUnstableCoordinate) {
  const TrainResult result =
      run("start = [0.5, 0.0, 0.0, 0.0]\n", "name = \"gd\"\nlr = 0.05\n", 1, "steps = 10000\n[trace]\nevaluate_every = 0\n");
  ASSERT_EQ(result.summary.step, 10000);
  const std::vector<double>& x = result.parameters.at(0).values;
  EXPECT_NEAR(x[0], 1, 1e-12);
  for (std::size_t j = 1; j < 4; ++j) EXPECT_EQ(std::bit_cast<std::uint64_t>(x[j]), 0U) << j;
  EXPECT_NEAR(result.summary.figures.get("train_objective"), -0.25, 1e-12) << "the first saddle after the start";
}

/// From the saddle at 0 to F* + 1e-6, on 20 of 20 seeds.
void expect_escapes(const char* method) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const TrainResult result = run("", method, seed, "steps = 4000\n[stop]\ntarget_loss = -0.999999\n");
    EXPECT_EQ(result.summary.ending.reason, "target_loss")
        << method << "seed " << seed << ": F = " << result.summary.figures.get("train_objective");
    EXPECT_LE(result.summary.figures.get("train_objective") - result.summary.least.value(), 1e-6);
  }
}

TEST(Saddles, PerturbedGradientDescentEscapes) {
  // In 50 steps a coordinate grows 11-fold, and noise that has little of it ends the run at a saddle: in 100 it is 130-fold.
  expect_escapes("name = \"pgd\"\nlr = 0.05\nradius = 0.01\ngradient_threshold = 1e-3\nnoise_interval = 100\n");
}
TEST(Saddles, PerturbedAcceleratedGradientDescentEscapes) {
  expect_escapes(
      "name = \"pagd\"\nlr = 0.05\ntheta = 0.2\ngamma = 0.5\nexploit_length = 0.1\nradius = 0.01\ngradient_threshold = 1e-3\n"
      "noise_interval = 50\n");
}
TEST(Saddles, PerturbedStochasticGradientDescentEscapes) {
  // Noise at every step: F* + 1e-6 is met once the last of the coordinates has left, and lost again.
  expect_escapes("name = \"psgd\"\nlr = 0.05\nradius = 1e-3\n");
}
TEST(Saddles, NoisyGradientDescentEscapes) {
  expect_escapes("name = \"sgd\"\nlr = 0.05\nnoise = \"sphere\"\nnoise_scale = 1e-3\n");
}
}  // namespace
}  // namespace talweg::train
