// SPDX-License-Identifier: Apache-2.0
// Evaluation and prediction by hand, names and shapes, tiles.
#include <gtest/gtest.h>

#include "model/prepared_point.hpp"
#include "tests/model/examples.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

TEST(Network, NamesAndShapesFollowTheEcosystem) {
  const model::ModelConfig config{.kind = "mlp", .hidden = {3, 2}, .activation = "relu", .loss = "cross_entropy"};
  const auto mlp = model::build_objective<float>(config, shape_of(5, 4));
  std::string listed;
  for (const math::Tensor& t : mlp->layout().tensors()) {
    listed += t.name + (t.bias ? "*" : "") + " " + std::to_string(t.shape[0]) +
              (t.shape.size() > 1 ? "x" + std::to_string(t.shape[1]) : "") + "; ";
  }
  EXPECT_EQ(
      listed,
      "layers.0.weight 3x5; layers.0.bias* 3; layers.1.weight 2x3; layers.1.bias* 2; layers.2.weight 4x2; layers.2.bias* 4; ");
  EXPECT_EQ(mlp->describe(), "mlp 5-3-2-4, relu, cross_entropy");
  const auto linear =
      model::build_objective<float>({.kind = "linear", .hidden = {}, .activation = "", .loss = "logistic"}, shape_of(5, 2));
  EXPECT_EQ(linear->layout().tensors()[0].name, "weight");
  EXPECT_EQ(linear->layout().tensors()[1].name, "bias");
  EXPECT_EQ(linear->outputs(), 1U);
}

TEST(Network, PredictsAndCountsByHand) {
  // Two features, two hidden relu units (the features' difference and its negative), three classes.
  const auto mlp = model::build_objective<double>({.kind = "mlp", .hidden = {2}, .activation = "relu", .loss = "cross_entropy"},
                                                  shape_of(2, 3));
  std::vector<double> x(mlp->layout().extent());
  const auto set = [&](const char* name, std::vector<double> values) {
    std::copy(values.begin(), values.end(), x.begin() + static_cast<std::ptrdiff_t>(mlp->layout().tensor(name).offset));
  };
  set("layers.0.weight", {1, -1, -1, 1});
  set("layers.1.weight", {1, 0, 0, 1, 0, 0});
  set("layers.1.bias", {0, 0, 0.5});
  const std::vector<double> rows = {3, 1, 1, 4, 2, 2};
  const std::vector<double> targets = {0, 1, 0};
  const std::vector<std::uint64_t> records = {0, 1, 2};
  const data::Examples<double> examples{
      .count = 3, .features = 2, .dense = rows.data(), .sparse = {}, .targets = targets, .records = records};
  const auto tape = mlp->make_tape();
  std::vector<double> out(9);
  const model::PreparedPoint<double> point(*mlp, x);
  mlp->predict(point, examples, *tape, out);
  EXPECT_EQ(out, (std::vector<double>{2, 0, 0.5, 0, 3, 0.5, 0, 0, 0.5}));
  const auto e = mlp->evaluate(point, examples, *tape);
  EXPECT_EQ(e.correct, 2);
}

// Ties go to the lowest class; a logistic score of exactly 0 is class 0.
TEST(Network, TiesGoToTheLowestClass) {
  const std::vector<double> features = {0, 0, 1, 1};
  const std::vector<std::uint64_t> records = {0, 1, 2, 3};
  const auto correct = [&](const char* loss, std::size_t classes, std::vector<double> weight, std::vector<double> targets) {
    const auto linear =
        model::build_objective<double>({.kind = "linear", .hidden = {}, .activation = "", .loss = loss}, shape_of(1, classes));
    std::vector<double> x(linear->layout().extent());
    std::copy(weight.begin(), weight.end(), x.begin());
    const auto tape = linear->make_tape();
    const data::Examples<double> examples{
        .count = 4, .features = 1, .dense = features.data(), .sparse = {}, .targets = targets, .records = records};
    return linear->evaluate(model::PreparedPoint<double>(*linear, x), examples, *tape).correct;
  };
  EXPECT_EQ(correct("cross_entropy", 3, {1, 2, 2}, {0, 0, 1, 1}), 4);
  EXPECT_EQ(correct("cross_entropy", 3, {1, 2, 2}, {1, 2, 2, 0}), 0);
  EXPECT_EQ(correct("logistic", 2, {1e-300}, {0, 0, 1, 1}), 4);
  EXPECT_EQ(correct("logistic", 2, {-1e-300}, {1, 0, 1, 0}), 2);
}

TEST(Network, CapabilitiesSayWhatIsThere) {
  const auto of = [](const char* activation, const char* loss, std::size_t classes) {
    return model::build_objective<float>({.kind = "mlp", .hidden = {3}, .activation = activation, .loss = loss},
                                         shape_of(2, classes))
        ->capabilities();
  };
  EXPECT_TRUE(of("tanh", "cross_entropy", 3).classification);
  EXPECT_FALSE(of("tanh", "squared", 0).classification);
  EXPECT_TRUE(of("tanh", "squared", 0).smooth);
  EXPECT_FALSE(of("relu", "squared", 0).smooth);
  EXPECT_TRUE(of("relu", "squared", 0).hvp);
}

// 2 flop a multiply-add: forward and weights' gradient for every layer, delta back for all but the first.
TEST(Network, StatesItsCost) {
  const auto mlp = model::build_objective<float>(
      {.kind = "mlp", .hidden = {3, 2}, .activation = "relu", .loss = "cross_entropy"}, shape_of(5, 4));
  EXPECT_EQ(mlp->gradient_flop(), 4.0 * 15 + 6.0 * (6 + 8));
}

TEST(Network, RegressionSumsByHand) {
  const auto linear = model::build_objective<double>(
      {.kind = "linear", .hidden = {}, .activation = "", .loss = "squared", .huber_delta = 1, .bias = true, .classes = false},
      shape_of(1, 0));
  std::vector<double> x(linear->layout().extent());
  x[0] = 2;
  const std::vector<double> rows = {1, 2};
  const std::vector<double> targets = {3, 3};
  const std::vector<std::uint64_t> records = {0, 1};
  const auto tape = linear->make_tape();
  const auto e = linear->evaluate(
      model::PreparedPoint<double>(*linear, x),
      {.count = 2, .features = 1, .dense = rows.data(), .sparse = {}, .targets = targets, .records = records}, *tape);
  EXPECT_DOUBLE_EQ(e.loss, 1.0);
  EXPECT_DOUBLE_EQ(e.squared_error, 2.0);
  EXPECT_DOUBLE_EQ(e.target, 6.0);
  EXPECT_DOUBLE_EQ(e.target_squared, 18.0);
}

TEST(Network, ATensorOfSeveralTilesIsThatOfOne) {
  const auto objective = model::build_objective<double>(
      {.kind = "mlp", .hidden = {40}, .activation = "tanh", .loss = "squared"}, shape_of(1000, 0));
  ASSERT_GT(objective->layout().tiles().size(), 3U) << "one tensor should span several tiles here";
  const auto rows = make_rows<double>(5, 1000, 0);
  const auto x = random_vector(objective->layout(), 1, 0.1);
  std::vector<double> cut;
  gradient<double>(*objective, x, rows.view(false), cut);
  const auto tape = objective->make_tape();
  const auto examples = rows.view(false);
  objective->forward_backward(model::PreparedPoint<double>(*objective, x), examples, -2.0, *tape);
  for (std::uint32_t number = 0; number < objective->layout().tensors().size(); ++number) {
    const math::Tensor& t = objective->layout().tensors()[number];
    const math::Tile whole{.tensor = number, .first_row = 0, .rows = t.rows(), .offset = t.offset, .count = t.size};
    const auto share = share_of<double>(*objective, {&tape, 1}, whole);
    for (std::size_t j = 0; j < t.size; ++j) ASSERT_NEAR(share[j], -2 * cut[t.offset + j], 1e-12) << t.name;
  }
}

TEST(Network, ATapeMayBeUsedForLeavesOfOtherSizes) {
  const auto objective = model::build_objective<double>(
      {.kind = "mlp", .hidden = {7}, .activation = "gelu", .loss = "cross_entropy"}, shape_of(6, 4));
  const auto large_rows = make_rows<double>(12, 6, 4);
  const auto small_rows = make_rows<double>(3, 6, 4);
  const auto large = large_rows.view(false);
  const auto small = small_rows.view(false);
  const auto x = random_vector(objective->layout(), 1, 0.5);
  const model::PreparedPoint<double> point(*objective, x);
  const auto reused = objective->make_tape();
  objective->forward_backward(point, large, 1.0, *reused);
  const auto fresh = objective->make_tape();
  EXPECT_EQ(objective->forward_backward(point, small, 1.0, *reused), objective->forward_backward(point, small, 1.0, *fresh));
  for (const math::Tile& tile : objective->layout().tiles()) {
    EXPECT_EQ(share_of<double>(*objective, {&reused, 1}, tile), share_of<double>(*objective, {&fresh, 1}, tile));
  }
}

}  // namespace
}  // namespace talweg::test
