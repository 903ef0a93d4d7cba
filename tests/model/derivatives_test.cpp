// SPDX-License-Identifier: Apache-2.0
// Every registered model, loss and activation, dense and sparse, through the finite-difference check. A new line in a registry
// is tested here automatically.
#include <limits>
#include <map>

#include "model/prepared_point.hpp"
#include "tests/model/examples.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kCount = 9;
constexpr std::size_t kFeatures = 6;

model::ModelConfig config_of(const std::string& kind, const std::string& loss, const std::string& activation,
                             std::vector<std::size_t> hidden) {
  return {.kind = kind,
          .hidden = std::move(hidden),
          .activation = activation,
          .loss = loss,
          .huber_delta = 0.7,
          .bias = true,
          .classes = classes_for(loss) > 0};
}

void check(const model::ModelConfig& config) {
  const std::size_t classes = classes_for(config.loss);
  const auto rows = make_rows<double>(kCount, kFeatures, classes);
  for (const bool sparse : {false, true}) {
    data::Shape shape = shape_of(kFeatures, classes);
    shape.sparse = sparse;
    const auto objective = model::build_objective<double>(config, shape);
    check_derivatives(*objective, rows.view(sparse), random_vector(objective->layout(), 1, 0.6),
                      objective->describe() + (sparse ? ", sparse" : ", dense"));
  }
}

TEST(Derivatives, LinearWithEveryLoss) {
  for (const std::string& loss : model::loss_names()) {
    check(config_of("linear", loss, "", {}));
    auto without_bias = config_of("linear", loss, "", {});
    without_bias.bias = false;
    check(without_bias);
  }
}

TEST(Derivatives, NetworksWithEveryLossAndActivation) {
  for (const std::string& loss : model::loss_names()) {
    for (const std::string& activation : model::activation_names()) {
      check(config_of("mlp", loss, activation, {5}));
      check(config_of("mlp", loss, activation, {5, 4, 3}));
      check(config_of("mlp", loss, activation, {1, 3}));
    }
  }
}

TEST(Derivatives, RegistriesAreNotEmpty) {
  EXPECT_EQ(model::model_names(), (std::vector<std::string>{"linear", "mlp"}));
  EXPECT_GE(model::loss_names().size(), 4U);
  EXPECT_GE(model::activation_names().size(), 7U);
}

TEST(Derivatives, Float32AgreesWithFloat64) {
  for (const std::string& loss : model::loss_names()) {
    for (const std::string& activation : model::activation_names()) {
      const auto config = config_of("mlp", loss, activation, {5, 4});
      const std::size_t classes = classes_for(loss);
      const auto fine = model::build_objective<double>(config, shape_of(kFeatures, classes));
      const auto coarse = model::build_objective<float>(config, shape_of(kFeatures, classes));
      const auto point = random_vector(fine->layout(), 1, 0.6);
      const std::vector<float> point32(point.begin(), point.end());
      const auto v = random_vector(fine->layout(), 2, 1);
      const std::vector<float> v32(v.begin(), v.end());
      const auto rows = make_rows<double>(kCount, kFeatures, classes);
      const auto rows32 = make_rows<float>(kCount, kFeatures, classes);
      const std::vector<double> lengths = {0, 0.3};
      std::vector<model::ValueAndSlope> line(2), line32(2);
      for (const bool sparse : {false, true}) {
        data::Shape shape = shape_of(kFeatures, classes);
        shape.sparse = sparse;
        const auto fine_too = model::build_objective<double>(config, shape);
        const auto coarse_too = model::build_objective<float>(config, shape);
        fine_too->along(model::PreparedPoint<double>(*fine_too, point), model::PreparedPoint<double>(*fine_too, v), lengths,
                        rows.view(sparse), *fine_too->make_tape(), line);
        coarse_too->along(model::PreparedPoint<float>(*coarse_too, point32), model::PreparedPoint<float>(*coarse_too, v32),
                          lengths, rows32.view(sparse), *coarse_too->make_tape(), line32);
        for (std::size_t k = 0; k < lengths.size(); ++k) {
          EXPECT_NEAR(line32[k].value, line[k].value, 1e-4 * (1 + std::abs(line[k].value))) << fine->describe();
          EXPECT_NEAR(line32[k].slope, line[k].slope, 1e-4 * (1 + std::abs(line[k].slope))) << fine->describe();
        }
      }
      for (const bool hvp : {false, true}) {
        std::vector<double> g;
        std::vector<float> g32;
        const double value = gradient<double>(*fine, point, rows.view(false), g, hvp ? &v : nullptr);
        EXPECT_NEAR(gradient<float>(*coarse, point32, rows32.view(false), g32, hvp ? &v32 : nullptr), value,
                    1e-4 * (1 + std::abs(value)));
        for (std::size_t i = 0; i < g.size(); ++i)
          ASSERT_NEAR(g32[i], g[i], 2e-4 * (1 + std::abs(g[i]))) << fine->describe() << (hvp ? " hvp " : " gradient ") << i;
      }
    }
  }
}

// Finite differences cannot see whether an activation is the one that its name says.
TEST(Activations, HaveTheirKnownValues) {
  const std::map<std::string, double> at_minus_one = {{"relu", 0.0},
                                                      {"leaky_relu", -0.01},
                                                      {"tanh", -0.7615941559557649},
                                                      {"sigmoid", 0.2689414213699951},
                                                      {"softplus", 0.3132616875182228},
                                                      {"gelu", -0.15865525393145707},
                                                      {"identity", -1.0}};
  for (const std::string& activation : model::activation_names()) {
    ASSERT_TRUE(at_minus_one.contains(activation)) << activation << " has no known value here";
    // One feature 1, weight -1, one hidden unit, output weight 1: the output is f(-1).
    auto config = config_of("mlp", "squared", activation, {1});
    config.bias = false;
    const auto objective = model::build_objective<double>(config, shape_of(1, 0));
    std::vector<double> point(objective->layout().extent());
    point[objective->layout().tensor("layers.0.weight").offset] = -1;
    point[objective->layout().tensor("layers.1.weight").offset] = 1;
    const std::vector<double> one = {1};
    const std::vector<std::uint64_t> record = {0};
    std::vector<double> out(1);
    const auto tape = objective->make_tape();
    objective->predict(model::PreparedPoint<double>(*objective, point),
                       {.count = 1, .features = 1, .dense = one.data(), .sparse = {}, .targets = one, .records = record}, *tape,
                       out);
    EXPECT_NEAR(out[0], at_minus_one.at(activation), 1e-15) << activation;
  }
}

TEST(Activations, LetNotANumberThrough) {
  for (const std::string& activation : model::activation_names()) {
    const auto objective = model::build_objective<float>(config_of("mlp", "squared", activation, {3}), shape_of(2, 0));
    std::vector<float> point(objective->layout().extent(), 0.5F);
    point[0] = std::numeric_limits<float>::quiet_NaN();
    const auto rows = make_rows<float>(2, 2, 0);
    std::vector<float> g;
    EXPECT_TRUE(std::isnan(gradient<float>(*objective, point, rows.view(false), g)))
        << activation << " hides a broken parameter";
  }
}

TEST(Losses, HaveTheirKnownValuesAndDoNotOverflow) {
  const auto loss_at = [](const std::string& loss, std::size_t classes, double z, double y) {
    const auto objective = model::build_objective<double>(config_of("linear", loss, "", {}), shape_of(1, classes));
    std::vector<double> point(objective->layout().extent());
    point[objective->layout().tensor("weight").offset] = z;  // class 0's output z, the others 0
    const std::vector<double> feature = {1};
    const std::vector<double> target = {y};
    const std::vector<std::uint64_t> record = {0};
    const auto tape = objective->make_tape();
    return objective
        ->evaluate(model::PreparedPoint<double>(*objective, point),
                   {.count = 1, .features = 1, .dense = feature.data(), .sparse = {}, .targets = target, .records = record},
                   *tape)
        .loss;
  };
  EXPECT_DOUBLE_EQ(loss_at("squared", 0, 3, 1), 2.0);
  EXPECT_DOUBLE_EQ(loss_at("huber", 0, 0.5, 0), 0.125);
  EXPECT_DOUBLE_EQ(loss_at("huber", 0, 3, 1), 0.7 * (2 - 0.35));
  EXPECT_DOUBLE_EQ(loss_at("smooth_hinge", 2, 0.25, 1), 0.28125);
  EXPECT_DOUBLE_EQ(loss_at("smooth_hinge", 2, 0.25, 0), 0.75);
  EXPECT_DOUBLE_EQ(loss_at("smooth_hinge", 2, 1, 1), 0.0);
  EXPECT_DOUBLE_EQ(loss_at("smooth_hinge", 2, 1000, 0), 1000.5);
  EXPECT_DOUBLE_EQ(loss_at("logistic", 2, 0, 1), std::log(2));
  EXPECT_DOUBLE_EQ(loss_at("logistic", 2, 1000, 0), 1000.0);
  EXPECT_DOUBLE_EQ(loss_at("logistic", 2, 1000, 1), 0.0);
  EXPECT_DOUBLE_EQ(loss_at("logistic", 2, -1000, 1), 1000.0);
  EXPECT_DOUBLE_EQ(loss_at("cross_entropy", 4, 0, 2), std::log(4));
  EXPECT_DOUBLE_EQ(loss_at("cross_entropy", 4, 1000, 2), 1000.0);
}

}  // namespace
}  // namespace talweg::test
