// SPDX-License-Identifier: Apache-2.0
// [model], [init] and [regularizer]: what is refused and how, first parameters, Omega and its prox.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "talweg/base/error.hpp"
#include "talweg/model/user_objective.hpp"
#include "tests/model/examples.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

using base::ExitCode;

template <class Work>
void expect_error(ExitCode code, std::initializer_list<const char*> pieces, Work work) {
  try {
    work();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    for (const char* piece : pieces) EXPECT_NE(std::string(e.what()).find(piece), std::string::npos) << '"' << piece << "\" is not in: " << e.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

model::ModelConfig parsed(const std::string& text) { return model::parse_model(base::Config::parse("[model]\n" + text, "run.toml").section("model")); }

TEST(ModelConfig, BatchNormalisationIsRefusedWithTheReason) {
  for (const char* key : {"batch_norm = true", "batch_normalization = true", "normalization = \"batch\""}) {
    expect_error(ExitCode::bad_config, {"run.toml:2:", "batch normalisation", "finite sum"}, [&] { parsed(std::string(key) + "\nkind = \"mlp\"\nloss = \"squared\"\n"); });
  }
}

TEST(ModelConfig, UnknownNamesListTheKnown) {
  expect_error(ExitCode::bad_config, {"run.toml:2:", "model.kind", "convnet", "linear", "mlp"}, [] { parsed("kind = \"convnet\"\nloss = \"squared\"\n"); });
  expect_error(ExitCode::bad_config, {"model.loss", "hinge", "logistic"}, [] { parsed("kind = \"linear\"\nloss = \"hinge\"\n"); });
  expect_error(ExitCode::bad_config, {"model.activation", "reluu", "relu"}, [] { parsed("kind = \"mlp\"\nactivation = \"reluu\"\nloss = \"squared\"\n"); });
  expect_error(ExitCode::bad_config, {"model.hidden", "0"}, [] { parsed("kind = \"mlp\"\nhidden = [8, 0]\nloss = \"squared\"\n"); });
}

TEST(ModelConfig, LossAndClassesMustFit) {
  expect_error(ExitCode::bad_data, {"logistic", "3 classes", "two"}, [] { model::build_objective<float>({.kind = "linear", .hidden = {}, .activation = "", .loss = "logistic"}, shape_of(2, 3)); });
  expect_error(ExitCode::bad_data, {"cross_entropy", "1 class", "at least two"}, [] { model::build_objective<float>({.kind = "linear", .hidden = {}, .activation = "", .loss = "cross_entropy"}, shape_of(2, 1)); });
}

TEST(Init, HasTheStatedSpread) {
  math::ParameterLayout layout;
  layout.add("w", {300, 200});
  layout.add("b", {300}, true);
  std::vector<double> x(layout.extent());
  const auto moments = [&] {
    double square = 0;
    double largest = 0;
    for (std::size_t j = 0; j < 60000; ++j) {
      square += x[j] * x[j];
      largest = std::max(largest, std::abs(x[j]));
    }
    return std::pair(square / 60000, largest);
  };
  model::fill_initial<double>({.kind = "he", .path = {}}, layout, 1, x);
  EXPECT_NEAR(moments().first, 2.0 / 200, 0.03 * 2.0 / 200);
  EXPECT_EQ(x[layout.tensor("b").offset + 5], 0);
  model::fill_initial<double>({.kind = "glorot", .path = {}}, layout, 1, x);
  const double limit = std::sqrt(6.0 / 500);
  EXPECT_LE(moments().second, limit);
  EXPECT_GT(moments().second, 0.999 * limit);
  EXPECT_NEAR(moments().first, limit * limit / 3, 0.03 * limit * limit / 3);
  model::fill_initial<double>({.kind = "zeros", .path = {}}, layout, 1, x);
  EXPECT_EQ(moments().second, 0);
}

TEST(Init, FollowsTheModelUnlessTold) {
  const auto kind = [](const std::string& model) { return model::parse_init(base::Config::parse("", "run.toml").section("init"), parsed(model)).kind; };
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

// u = prox(x) minimises h(u) + (u - x)^2 / (2 step): no other u on a fine grid is better.
TEST_F(Omega, ProxIsTheMinimiser) {
  for (const model::Regularizer::Config& config : {model::Regularizer::Config{.l1 = 0.7}, model::Regularizer::Config{.low = -1, .high = 0.5},
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
      for (double v = -6; v <= 6; v += 1e-3) ASSERT_LE(cost(u[j]), cost(v) + 1e-12) << "element " << j << ", u " << u[j] << ", better " << v;
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

TEST(RegularizerConfig, BoxIsAnInterval) {
  const auto parse = [](const std::string& text) { return model::parse_regularizer(base::Config::parse("[regularizer]\n" + text, "run.toml").section("regularizer")); };
  EXPECT_EQ(parse("box = [-1.0, 2.0]\n").high, 2.0);
  expect_error(ExitCode::bad_config, {"run.toml:2:", "regularizer.box", "low <= high"}, [&] { parse("box = [2.0, 1.0]\n"); });
  expect_error(ExitCode::bad_config, {"regularizer.l1", "-1"}, [&] { parse("l1 = -1\n"); });
}

/// f_i = exp(x . a_i) + x_3 y_i with everything known.
class Exponential final : public model::UserTerms {
 public:
  std::vector<model::UserTensor> tensors() const override { return {{"a", {2}}, {"b", {1}, true}}; }
  double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
    const double value = std::exp(x[0] * e.features[0] + x[1] * e.features[1]);
    g[0] += value * e.features[0];
    g[1] += value * e.features[1];
    g[2] += 2 * x[2] * e.target * e.target;
    return value + x[2] * x[2] * e.target * e.target;
  }
  bool has_hessian_vector() const override { return true; }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const model::UserExample& e, std::span<double> out) const override {
    const double value = std::exp(x[0] * e.features[0] + x[1] * e.features[1]);
    const double slope = v[0] * e.features[0] + v[1] * e.features[1];
    out[0] += value * slope * e.features[0];
    out[1] += value * slope * e.features[1];
    out[2] += 2 * v[2] * e.target * e.target;
  }
};

TEST(UserTerms, PassTheSameDerivativeCheck) {
  const model::UserObjective<double> objective(std::make_shared<Exponential>());
  const auto rows = make_rows<double>(7, 2, 0);
  for (const bool sparse : {false, true}) check_derivatives(objective, rows.view(sparse), random_vector(objective.layout(), 1, 0.5), "user terms");
}

}  // namespace
}  // namespace talweg::test
