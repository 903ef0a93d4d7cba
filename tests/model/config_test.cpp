// SPDX-License-Identifier: Apache-2.0
// [model], [init] and [regularizer]: what is refused and how, first parameters, Omega and its prox.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "talweg/error.hpp"
#include "tests/model/examples.hpp"

namespace talweg::test {
namespace {

using base::ExitCode;

template <class Work>
void expect_error(ExitCode code, std::initializer_list<const char*> pieces, Work work) {
  try {
    work();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    for (const char* piece : pieces)
      EXPECT_NE(std::string(e.what()).find(piece), std::string::npos) << '"' << piece << "\" is not in: " << e.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

model::ModelConfig parsed(const std::string& text) {
  return model::parse_model(base::Config::parse("[model]\n" + text, "run.toml").section("model"));
}

TEST(ModelConfig, BatchNormalisationIsRefusedWithTheReason) {
  for (const char* key : {"batch_norm = true", "batch_normalization = true", "normalization = \"batch\""}) {
    expect_error(ExitCode::bad_config, {"run.toml:2:", "batch normalisation", "finite sum"},
                 [&] { parsed(std::string(key) + "\nkind = \"mlp\"\nloss = \"squared\"\n"); });
  }
}

TEST(ModelConfig, AKindOfBatchNormalisationIsRefusedWithTheReason) {
  for (const char* kind : {"batch_norm", "mlp_batchnorm", "BatchNormalization"}) {
    expect_error(ExitCode::bad_config, {"run.toml:2:", "model.kind", kind, "finite sum"},
                 [&] { parsed("kind = \"" + std::string(kind) + "\"\nloss = \"squared\"\n"); });
  }
  expect_error(ExitCode::bad_config, {"run.toml:3:", "model.activation", "batch_norm", "finite sum"},
               [] { parsed("kind = \"mlp\"\nactivation = \"batch_norm\"\nloss = \"squared\"\n"); });
}

TEST(ModelConfig, OtherNormalisationsAreNotCalledBatchNormalisation) {
  expect_error(ExitCode::bad_config, {"run.toml:4:", "model.normalization", "\"layer\"", "layers are not normalised"},
               [] { parsed("kind = \"linear\"\nloss = \"squared\"\nnormalization = \"layer\"\n"); });
}

TEST(ModelConfig, ReadsEveryKey) {
  const auto config =
      parsed("kind = \"mlp\"\nhidden = [8, 4]\nactivation = \"gelu\"\nloss = \"huber\"\nhuber_delta = 0.5\nbias = false\n");
  EXPECT_EQ(config.kind, "mlp");
  EXPECT_EQ(config.hidden, (std::vector<std::size_t>{8, 4}));
  EXPECT_EQ(config.activation, "gelu");
  EXPECT_EQ(config.loss, "huber");
  EXPECT_EQ(config.huber_delta, 0.5);
  EXPECT_FALSE(config.bias);
  EXPECT_FALSE(config.classes) << "huber takes numbers";
  EXPECT_TRUE(parsed("kind = \"linear\"\nloss = \"logistic\"\n").classes);
  expect_error(ExitCode::bad_config, {"run.toml:4:", "model.huber_delta", "0", "(0, inf)"},
               [] { parsed("kind = \"linear\"\nloss = \"huber\"\nhuber_delta = 0\n"); });
}

// A program that links the library may fill ModelConfig itself and call build_objective without parse_model.
TEST(ModelConfig, BuildingNamesTheKnownToo) {
  const auto build = [](const char* kind, const char* activation, const char* loss) {
    model::build_objective<float>({.kind = kind, .hidden = {2}, .activation = activation, .loss = loss}, shape_of(2, 0));
  };
  expect_error(ExitCode::bad_config, {"model.kind", "convnet", "linear", "mlp"}, [&] { build("convnet", "relu", "squared"); });
  expect_error(ExitCode::bad_config, {"model.activation", "rel", "relu", "tanh"}, [&] { build("mlp", "rel", "squared"); });
  expect_error(ExitCode::bad_config, {"model.loss", "hinge", "squared", "huber"}, [&] { build("mlp", "relu", "hinge"); });
}

TEST(ModelConfig, UnknownNamesListTheKnown) {
  expect_error(ExitCode::bad_config, {"run.toml:2:", "model.kind", "convnet", "linear", "mlp"},
               [] { parsed("kind = \"convnet\"\nloss = \"squared\"\n"); });
  expect_error(ExitCode::bad_config, {"model.loss", "hinge", "logistic"},
               [] { parsed("kind = \"linear\"\nloss = \"hinge\"\n"); });
  expect_error(ExitCode::bad_config, {"model.activation", "reluu", "relu"},
               [] { parsed("kind = \"mlp\"\nactivation = \"reluu\"\nloss = \"squared\"\n"); });
  expect_error(ExitCode::bad_config, {"model.hidden", "0"},
               [] { parsed("kind = \"mlp\"\nhidden = [8, 0]\nloss = \"squared\"\n"); });
}

TEST(ModelConfig, LossAndClassesMustFit) {
  expect_error(ExitCode::bad_data, {"logistic", "3 classes", "two"}, [] {
    model::build_objective<float>({.kind = "linear", .hidden = {}, .activation = "", .loss = "logistic"}, shape_of(2, 3));
  });
  expect_error(ExitCode::bad_data, {"cross_entropy", "1 class", "at least two"}, [] {
    model::build_objective<float>({.kind = "linear", .hidden = {}, .activation = "", .loss = "cross_entropy"}, shape_of(2, 1));
  });
}

TEST(Init, HasTheStatedSpread) {
  math::ParameterLayout layout;
  layout.add("w", {300, 200});
  layout.add("b", {300}, true);
  std::vector<double> x(layout.extent());
  const math::Threads threads(1);
  const auto moments = [&] {
    double square = 0;
    double largest = 0;
    for (std::size_t j = 0; j < 60000; ++j) {
      square += x[j] * x[j];
      largest = std::max(largest, std::abs(x[j]));
    }
    return std::pair(square / 60000, largest);
  };
  model::fill_initial<double>({.kind = "he", .path = {}}, layout, 1, threads, x);
  EXPECT_NEAR(moments().first, 2.0 / 200, 0.03 * 2.0 / 200);
  EXPECT_EQ(x[layout.tensor("b").offset + 5], 0);
  model::fill_initial<double>({.kind = "glorot", .path = {}}, layout, 1, threads, x);
  const double limit = std::sqrt(6.0 / 500);
  EXPECT_LE(moments().second, limit);
  EXPECT_GT(moments().second, 0.999 * limit);
  EXPECT_NEAR(moments().first, limit * limit / 3, 0.03 * limit * limit / 3);
  model::fill_initial<double>({.kind = "zeros", .path = {}}, layout, 1, threads, x);
  EXPECT_EQ(moments().second, 0);
}

// Draws are keyed by (tensor, element): they do not depend on the tensors before in the vector.
TEST(Init, DoesNotFollowWhereATensorLies) {
  math::ParameterLayout small, large;
  small.add("a", {1, 3});
  small.add("b", {8, 5});
  large.add("a", {70, 900});
  large.add("b", {8, 5});
  const math::Threads threads(1);
  for (const char* kind : {"he", "glorot"}) {
    std::vector<double> x(small.extent()), y(large.extent()), other(small.extent());
    model::fill_initial<double>({.kind = kind, .path = {}}, small, 4, threads, x);
    model::fill_initial<double>({.kind = kind, .path = {}}, large, 4, threads, y);
    model::fill_initial<double>({.kind = kind, .path = {}}, small, 5, threads, other);
    const std::size_t at = small.tensor("b").offset;
    for (std::size_t j = 0; j < 40; ++j) ASSERT_EQ(x[at + j], y[large.tensor("b").offset + j]) << kind << ' ' << j;
    EXPECT_NE(x[at], other[at]) << "another seed, other parameters";
    math::ParameterLayout twins;
    twins.add("a", {8, 5});
    twins.add("b", {8, 5});
    std::vector<double> twin(twins.extent());
    model::fill_initial<double>({.kind = kind, .path = {}}, twins, 4, threads, twin);
    EXPECT_NE(twin[0], twin[twins.tensor("b").offset]) << "tensors of one shape do not repeat each other";
    std::vector<float> x32(small.extent());
    model::fill_initial<float>({.kind = kind, .path = {}}, small, 4, threads, x32);
    for (std::size_t j = 0; j < x.size(); ++j) ASSERT_EQ(x32[j], static_cast<float>(x[j]));
    EXPECT_EQ(x[3], 0) << "padding is zero";
  }
}

TEST(Init, UnknownKindsListTheKnown) {
  const auto init = [](const std::string& text) {
    const auto config = base::Config::parse("[init]\n" + text, "run.toml");
    return model::parse_init(config.section("init"), {.kind = "linear", .hidden = {}, .activation = "", .loss = "squared"});
  };
  expect_error(ExitCode::bad_config, {"run.toml:2:", "init.kind", "xavier", "he", "glorot", "zeros", "file"},
               [&] { init("kind = \"xavier\"\n"); });
  expect_error(ExitCode::bad_config, {"init.path"}, [&] { init("kind = \"file\"\n"); });
  EXPECT_EQ(init("kind = \"file\"\npath = \"/a/b.npz\"\n").path, "/a/b.npz");
}

TEST(Init, FollowsTheModelUnlessTold) {
  const auto kind = [](const std::string& model) {
    return model::parse_init(base::Config::parse("", "run.toml").section("init"), parsed(model)).kind;
  };
  EXPECT_EQ(kind("kind = \"linear\"\nloss = \"squared\"\n"), "zeros");
  EXPECT_EQ(kind("kind = \"mlp\"\nactivation = \"relu\"\nloss = \"squared\"\n"), "he");
  EXPECT_EQ(kind("kind = \"mlp\"\nactivation = \"tanh\"\nloss = \"squared\"\n"), "glorot");
}

class Omega : public testing::Test {
 protected:
  Omega() {
    layout.add("w", {6});
    layout.add("b", {2}, true);
  }
  math::ParameterLayout layout;
  std::vector<double> w = {-2, -0.3, 0, 0.2, 1, 5};
};

TEST_F(Omega, ValuesLeaveBiasesOutUnlessAsked) {
  const model::Regularizer omega({.l1 = 0.5, .l2 = 0.1}, layout);
  const auto& blocks = layout.blocks();
  EXPECT_NEAR(omega.nonsmooth_value<double>(blocks[0], w), 0.5 * 8.5, 1e-12);
  EXPECT_NEAR(omega.smooth_value<double>(blocks[0], w), 0.05 * (4 + 0.09 + 0.04 + 1 + 25), 1e-12);
  const std::vector<double> b = {1, 1};
  EXPECT_EQ(omega.smooth_value<double>(blocks[1], b), 0);
  EXPECT_EQ(omega.l2(blocks[1]), 0);
  const model::Regularizer all({.l2 = 0.1, .include_bias = true}, layout);
  EXPECT_NEAR(all.smooth_value<double>(blocks[1], b), 0.1, 1e-12);
  EXPECT_FALSE(omega.smooth());
  EXPECT_TRUE(all.smooth());
}

TEST_F(Omega, OutsideTheBoxIsInfinite) {
  const model::Regularizer omega({.low = -1, .high = 4}, layout);
  EXPECT_EQ(omega.nonsmooth_value<double>(layout.blocks()[0], w), std::numeric_limits<double>::infinity());
}

// 0.1 is no float, and the nearest one is larger. A point that prox puts on the bound still counts as inside.
TEST_F(Omega, WhatProxLeavesIsInsideTheBoxInEitherPrecision) {
  const model::Regularizer omega({.low = -0.1, .high = 0.1}, layout);
  std::vector<float> x = {-2, -0.1F, 0, 0.1F, 1, 5};
  const std::vector<float> step(6, 1);
  omega.apply(layout.blocks()[0], std::span(x), std::span<const float>(step));
  EXPECT_EQ(omega.nonsmooth_value<float>(layout.blocks()[0], x), 0);
  const std::vector<double> steps(6, 1);
  omega.apply(layout.blocks()[0], std::span(w), std::span<const double>(steps));
  EXPECT_EQ(omega.nonsmooth_value<double>(layout.blocks()[0], w), 0);
  x[2] = std::nextafter(0.1F, 1.0F);
  EXPECT_EQ(omega.nonsmooth_value<float>(layout.blocks()[0], x), std::numeric_limits<float>::infinity());
}

TEST_F(Omega, ActsOnBiasesWhenAsked) {
  const model::Regularizer omega({.l1 = 0.5, .low = -0.75, .include_bias = true}, layout);
  std::vector<double> b = {1, -2};
  const std::vector<double> step = {1, 1};
  EXPECT_EQ(omega.nonsmooth_value<double>(layout.blocks()[1], b), std::numeric_limits<double>::infinity());
  omega.apply(layout.blocks()[1], std::span(b), std::span<const double>(step));
  EXPECT_EQ(b, (std::vector<double>{0.5, -0.75}));
  EXPECT_DOUBLE_EQ(omega.nonsmooth_value<double>(layout.blocks()[1], b), 0.5 * 1.25);
}

TEST_F(Omega, IsSmoothWithoutL1AndBox) {
  EXPECT_TRUE(model::Regularizer({.l2 = 1}, layout).smooth());
  EXPECT_FALSE(model::Regularizer({.l1 = 1}, layout).smooth());
  EXPECT_FALSE(model::Regularizer({.high = 1}, layout).smooth());
  EXPECT_FALSE(model::Regularizer({.low = 0}, layout).smooth());
}

// l2(block) is both the gradient's factor and the curvature: differences of smooth_value agree.
TEST_F(Omega, L2IsTheSlopeOfTheSmoothPart) {
  const model::Regularizer omega({.l1 = 3, .l2 = 0.3}, layout);
  const math::Block& block = layout.blocks()[0];
  for (std::size_t j = 0; j < w.size(); ++j) {
    auto above = w, below = w;
    above[j] += 1e-4;
    below[j] -= 1e-4;
    const double slope = (omega.smooth_value<double>(block, above) - omega.smooth_value<double>(block, below)) / 2e-4;
    EXPECT_NEAR(slope, omega.l2(block) * w[j], 1e-9);
  }
}

// u = prox(x) minimises h(u) + (u - x)^2 / (2 step): no u on a fine grid is better.
TEST_F(Omega, ProxIsTheMinimiser) {
  for (const model::Regularizer::Config& config :
       {model::Regularizer::Config{.l1 = 0.7}, model::Regularizer::Config{.low = -1, .high = 0.5},
        model::Regularizer::Config{.l1 = 0.7, .low = -0.25, .high = 2}}) {
    const model::Regularizer omega(config, layout);
    const std::vector<double> step = {1, 0.5, 2, 0.1, 1, 3};
    std::vector<double> u = w;
    omega.apply(layout.blocks()[0], std::span(u), std::span<const double>(step));
    for (std::size_t j = 0; j < u.size(); ++j) {
      const auto cost = [&](double v) {
        if (v < config.low || v > config.high) return std::numeric_limits<double>::infinity();
        return config.l1 * std::abs(v) + (v - w[j]) * (v - w[j]) / (2 * step[j]);
      };
      for (double v = -6; v <= 6; v += 1e-3)
        ASSERT_LE(cost(u[j]), cost(v) + 1e-12) << "element " << j << ", u " << u[j] << ", better " << v;
    }
  }
}

TEST_F(Omega, ProxLeavesBiasesAndNotANumberAlone) {
  const model::Regularizer omega({.l1 = 10}, layout);
  std::vector<float> b = {1, -1};
  const std::vector<float> step = {1, 1};
  omega.apply(layout.blocks()[1], std::span(b), std::span<const float>(step));
  EXPECT_EQ(b, (std::vector<float>{1, -1}));
  std::vector<float> broken(6, std::numeric_limits<float>::quiet_NaN());
  const std::vector<float> steps(6, 1);
  omega.apply(layout.blocks()[0], std::span(broken), std::span<const float>(steps));
  EXPECT_TRUE(std::isnan(broken[3])) << "a prox must not hide a broken parameter";
}

TEST_F(Omega, CouplesWeightsWhenAsked) {
  const model::Regularizer groups({.group_lasso = 0.2, .groups = math::Coupling::Of::outputs}, layout);
  EXPECT_FALSE(groups.smooth());
  ASSERT_NE(groups.coupling(), nullptr);
  EXPECT_EQ(groups.coupling()->of, math::Coupling::Of::outputs);
  EXPECT_EQ(groups.coupling()->size, 0.2);
  EXPECT_EQ(groups.coupling()->acts_on, (std::vector<bool>{true, false}));
  const model::Regularizer ball({.include_bias = true, .ball = 3}, layout);
  EXPECT_EQ(ball.coupling()->of, math::Coupling::Of::all);
  EXPECT_EQ(ball.coupling()->size, 3);
  EXPECT_EQ(ball.coupling()->acts_on, (std::vector<bool>{true, true}));
  EXPECT_EQ(model::Regularizer({.l1 = 1}, layout).coupling(), nullptr);
}

TEST(RegularizerConfig, GroupsAndBallAcceptOnlyConesAndL1) {
  const auto parse = [](const std::string& text) {
    return model::parse_regularizer(base::Config::parse("[regularizer]\n" + text, "run.toml").section("regularizer"));
  };
  EXPECT_EQ(parse("group_lasso = 0.5\nl1 = 0.1\nnonnegative = true\n").group_lasso, 0.5);
  EXPECT_EQ(parse("group_lasso = 0.5\n").groups, math::Coupling::Of::inputs);
  EXPECT_EQ(parse("group_lasso = 0.5\ngroups = \"outputs\"\n").groups, math::Coupling::Of::outputs);
  EXPECT_EQ(parse("ball = 2\nbox = [-inf, 0]\n").ball, 2);
  expect_error(ExitCode::bad_config, {"run.toml:3:", "regularizer.ball", "group_lasso", "one of them"},
               [&] { parse("group_lasso = 0.5\nball = 2\n"); });
  expect_error(ExitCode::bad_config, {"run.toml:3:", "regularizer.box", "[-1, 0] together with ball", "0 or infinity"},
               [&] { parse("ball = 2\nbox = [-1, 0]\n"); });
  expect_error(ExitCode::bad_config, {"regularizer.groups", "columns", "inputs"}, [&] { parse("groups = \"columns\"\n"); });
}

TEST(RegularizerConfig, BoxIsAnInterval) {
  const auto parse = [](const std::string& text) {
    return model::parse_regularizer(base::Config::parse("[regularizer]\n" + text, "run.toml").section("regularizer"));
  };
  EXPECT_EQ(parse("box = [-1.0, 2.0]\n").high, 2.0);
  expect_error(ExitCode::bad_config, {"run.toml:2:", "regularizer.box", "low <= high"}, [&] { parse("box = [2.0, 1.0]\n"); });
  EXPECT_EQ(parse("box = [0, inf]\n").low, 0.0);
  for (const char* box : {"[1.0]", "[1.0, 2.0, 3.0]", "[inf, inf]", "[-inf, -inf]"}) {
    expect_error(ExitCode::bad_config, {"run.toml:2:", "regularizer.box", "found [", "low <= high"},
                 [&] { parse("box = " + std::string(box) + "\n"); });
  }
  expect_error(ExitCode::bad_config, {"regularizer.box[1]", "nan"}, [&] { parse("box = [0.0, nan]\n"); });
  expect_error(ExitCode::bad_config, {"regularizer.l1", "-1"}, [&] { parse("l1 = -1\n"); });
  expect_error(ExitCode::bad_config, {"regularizer.l1", "inf", "[0, inf)"}, [&] { parse("l1 = inf\n"); });
  expect_error(ExitCode::bad_config, {"regularizer.l2", "inf", "[0, inf)"}, [&] { parse("l2 = inf\n"); });
  EXPECT_TRUE(parse("include_bias = true\n").include_bias);
}

}  // namespace
}  // namespace talweg::test
