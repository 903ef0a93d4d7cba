// SPDX-License-Identifier: Apache-2.0
// A user's f_i as an Objective: derivatives, gaps of the layout, both precisions, missing functions and exceptions.
#include "model/user_objective.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "talweg/error.hpp"
#include "tests/model/examples.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

/// f_i = exp(a . features) + (b y)^2 with everything known; its prediction is a . features.
class Exponential : public model::UserTerms {
 public:
  std::vector<model::UserTensor> tensors() const override { return {{"a", {2}}, {"b", {1}, true}}; }
  double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
    const double value = std::exp(score(x, e));
    g[0] += value * e.features[0];
    g[1] += value * e.features[1];
    g[2] += 2 * x[2] * e.target * e.target;
    return value + x[2] * x[2] * e.target * e.target;
  }
  bool has_hessian_vector() const override { return true; }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const model::UserExample& e,
                      std::span<double> out) const override {
    const double curved = std::exp(score(x, e)) * score(v, e);
    out[0] += curved * e.features[0];
    out[1] += curved * e.features[1];
    out[2] += 2 * v[2] * e.target * e.target;
  }
  double predict(std::span<const double> x, const model::UserExample& e) const override { return score(x, e); }

 private:
  static double score(std::span<const double> x, const model::UserExample& e) {
    return x[0] * e.features[0] + x[1] * e.features[1];
  }
};

/// The least that a user must write: f_i = x^2 y.
class Least : public model::UserTerms {
 public:
  std::vector<model::UserTensor> tensors() const override { return {{"x", {1}}}; }
  double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
    g[0] += 2 * x[0] * e.target;
    return x[0] * x[0] * e.target;
  }
};

TEST(UserTerms, PassTheSameDerivativeCheck) {
  const model::UserObjective<double> objective(std::make_shared<Exponential>());
  const auto rows = make_rows<double>(7, 2, 0);
  for (const bool sparse : {false, true})
    check_derivatives(objective, rows.view(sparse), random_vector(objective.layout(), 1, 0.5), "user terms");
}

TEST(UserTerms, KeepTheirTensorsApartFromTheLayoutsGaps) {
  const model::UserObjective<double> objective(std::make_shared<Exponential>());
  EXPECT_EQ(objective.layout().tensor("b").offset, 16U);
  EXPECT_TRUE(objective.layout().tensor("b").bias);
  std::vector<double> point(objective.layout().extent());
  point[16] = 3;
  const std::vector<double> features = {0, 0};
  const std::vector<double> targets = {2};
  const std::vector<std::uint64_t> records = {0};
  std::vector<double> g;
  const double value = gradient<double>(
      objective, point,
      {.count = 1, .features = 2, .dense = features.data(), .sparse = {}, .targets = targets, .records = records}, g);
  EXPECT_DOUBLE_EQ(value, 1 + 36);
  EXPECT_DOUBLE_EQ(g[16], 24);
  for (std::size_t j = 2; j < 16; ++j) EXPECT_EQ(g[j], 0) << "padding stays zero";
}

TEST(UserTerms, InFloat32AgreeWithFloat64) {
  const auto terms = std::make_shared<Exponential>();
  const model::UserObjective<double> fine(terms);
  const model::UserObjective<float> coarse(terms);
  const auto point = random_vector(fine.layout(), 1, 0.5);
  const std::vector<float> point32(point.begin(), point.end());
  const auto rows = make_rows<double>(7, 2, 0);
  const auto rows32 = make_rows<float>(7, 2, 0);
  std::vector<double> g;
  std::vector<float> g32;
  const double value = gradient<double>(fine, point, rows.view(true), g);
  EXPECT_NEAR(gradient<float>(coarse, point32, rows32.view(true), g32), value, 1e-5 * (1 + value));
  for (std::size_t j = 0; j < g.size(); ++j) EXPECT_NEAR(g32[j], g[j], 1e-5 * (1 + std::abs(g[j])));
}

TEST(UserTerms, PredictAndEvaluateByHand) {
  const model::UserObjective<double> objective(std::make_shared<Exponential>());
  std::vector<double> point(objective.layout().extent());
  point[0] = 1;
  point[1] = -1;
  const std::vector<double> features = {3, 1, 1, 1};
  const std::vector<double> targets = {1, 4};
  const std::vector<std::uint64_t> records = {0, 1};
  const data::Examples<double> examples{
      .count = 2, .features = 2, .dense = features.data(), .sparse = {}, .targets = targets, .records = records};
  const auto tape = objective.make_tape();
  std::vector<double> out(2);
  objective.predict({point, {}}, examples, *tape, out);
  EXPECT_EQ(out, (std::vector<double>{2, 0}));
  const auto e = objective.evaluate({point, {}}, examples, *tape);
  EXPECT_DOUBLE_EQ(e.loss, std::exp(2) + 1);
  EXPECT_DOUBLE_EQ(e.squared_error, 1 + 16);
  EXPECT_DOUBLE_EQ(e.target, 5);
  EXPECT_DOUBLE_EQ(e.target_squared, 17);
}

TEST(UserTerms, ATapeForgetsTheLeafBeforeAndHasAWeight) {
  const model::UserObjective<double> objective(std::make_shared<Exponential>());
  const auto before = make_rows<double>(7, 2, 0);
  const auto rows = make_rows<double>(4, 2, 0);
  const auto point = random_vector(objective.layout(), 1, 0.5);
  const auto v = random_vector(objective.layout(), 2, 1);
  const auto examples_before = before.view(false);
  const auto examples = rows.view(false);
  std::vector<double> g, h;
  gradient<double>(objective, point, examples, g);
  gradient<double>(objective, point, examples, h, &v);
  const auto tape = objective.make_tape();
  objective.forward_backward({point, {}}, examples_before, 1.0, *tape);
  objective.tangent({point, {}}, {v, {}}, *tape);
  objective.forward_backward({point, {}}, examples, -2.0, *tape);
  objective.tangent({point, {}}, {v, {}}, *tape);
  for (const math::Tile& tile : objective.layout().tiles()) {
    const auto out = share_of<double>(objective, {&tape, 1}, tile);
    const auto tangent = share_of<double>(objective, {&tape, 1}, tile, true);
    for (std::size_t j = 0; j < tile.count; ++j) {
      EXPECT_DOUBLE_EQ(out[j], -2 * g[tile.offset + j]);
      EXPECT_DOUBLE_EQ(tangent[j], h[tile.offset + j]);
    }
  }
}

TEST(UserTerms, SayWhatTheyCannotDo) {
  const model::UserObjective<double> objective(std::make_shared<Least>());
  EXPECT_FALSE(objective.capabilities().hvp);
  EXPECT_FALSE(objective.capabilities().classification);
  EXPECT_EQ(objective.describe(), "user-written terms");
  const auto rows = make_rows<double>(3, 2, 0);
  const auto examples = rows.view(false);
  const std::vector<double> point(objective.layout().extent(), 1.0);
  const auto tape = objective.make_tape();
  objective.forward_backward({point, {}}, examples, 1.0, *tape);
  try {
    objective.tangent({point, {}}, {point, {}}, *tape);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("hessian_vector() is not written"), std::string::npos) << e.what();
  }
  std::vector<double> out(3);
  objective.predict({point, {}}, examples, *tape, out);
  for (const double p : out) EXPECT_TRUE(std::isnan(p)) << "no prediction was written";
}

TEST(UserTerms, WithoutTensorsAreRefused) {
  class Empty final : public Least {
    std::vector<model::UserTensor> tensors() const override { return {}; }
  };
  EXPECT_THROW(model::UserObjective<double>(std::make_shared<Empty>()), base::Error);
}

TEST(UserTerms, SeeTheRecordNumberAndMayThrow) {
  class Picky final : public Least {
    double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
      if (e.record == 41) throw std::domain_error("record 41 has no logarithm");
      return Least::value_and_gradient(x, e, g);
    }
  };
  const model::UserObjective<double> objective(std::make_shared<Picky>());
  auto rows = make_rows<double>(3, 2, 0);
  rows.records[2] = 41;
  const std::vector<double> point(objective.layout().extent(), 1.0);
  const auto tape = objective.make_tape();
  const auto examples = rows.view(false);
  try {
    objective.forward_backward({point, {}}, examples, 1.0, *tape);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_data);
    EXPECT_STREQ(e.what(), "record 41: the objective threw: record 41 has no logarithm");
  }
}

}  // namespace
}  // namespace talweg::test
