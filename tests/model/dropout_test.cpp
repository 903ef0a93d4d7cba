// SPDX-License-Identifier: Apache-2.0
// Dropout: against a network of the kept units, written out by hand; which units are kept; and that only a step's minibatch has
// dropout.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "model/prepared_point.hpp"
#include "talweg/error.hpp"
#include "tests/model/examples.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kCount = 7, kFeatures = 5;
const std::vector<double> kChances = {0.3, 0.6};
const data::Draw kDraw{.seed = 3, .ticket = 5};

template <class Real>
std::unique_ptr<model::Objective<Real>> network(std::vector<double> dropout, std::vector<std::size_t> hidden = {6, 9},
                                                const char* activation = "tanh") {
  return model::build_objective<Real>({.kind = "mlp",
                                       .hidden = std::move(hidden),
                                       .activation = activation,
                                       .loss = "squared",
                                       .classes = false,
                                       .dropout = std::move(dropout)},
                                      shape_of(kFeatures, 0));
}

/// The factor of a unit's output, from 32 bits of the draw (layer, minibatch; record, unit / 4): number unit % 4 of them.
double mask(const data::Draw& draw, std::uint64_t layer, std::uint64_t record, std::uint64_t unit, double p) {
  const auto words = base::Random(draw.seed, base::Purpose::dropout).bits(layer << 54 | draw.ticket, record << 18 | unit / 4);
  return static_cast<double>(words[unit % 4]) < p * 4294967296.0 ? 0 : 1 / (1 - p);
}

/// sum_i (output - y)^2 / 2 of the network of 5-6-9-1 units with tanh, unit by unit.
double by_hand(const math::ParameterLayout& layout, const std::vector<double>& x, const data::Examples<double>& e) {
  const std::array<std::size_t, 4> widths = {kFeatures, 6, 9, 1};
  double sum = 0;
  for (std::size_t i = 0; i < e.count; ++i) {
    std::vector<double> a(e.dense + i * kFeatures, e.dense + (i + 1) * kFeatures);
    for (std::size_t l = 0; l < 3; ++l) {
      const std::string name = "layers." + std::to_string(l);
      const double* w = x.data() + layout.tensor(name + ".weight").offset;
      const double* b = x.data() + layout.tensor(name + ".bias").offset;
      std::vector<double> next(widths[l + 1]);
      for (std::size_t u = 0; u < next.size(); ++u) {
        double z = b[u];
        for (std::size_t j = 0; j < a.size(); ++j) z += w[u * a.size() + j] * a[j];
        next[u] = l == 2 ? z : mask(*e.draw, l, e.records[i], u, kChances[l]) * std::tanh(z);
      }
      a = next;
    }
    sum += 0.5 * (a[0] - e.targets[i]) * (a[0] - e.targets[i]);
  }
  return sum;
}

TEST(Dropout, IsTheNetworkOfTheUnitsThatStay) {
  const auto objective = network<double>(kChances);
  const auto rows = make_rows<double>(kCount, kFeatures, 0);
  data::Examples<double> e = rows.view(false);
  e.draw = kDraw;
  const auto point = random_vector(objective->layout(), 1, 0.8);
  std::vector<double> g;
  const double value = gradient<double>(*objective, point, e, g);
  EXPECT_NEAR(value, by_hand(objective->layout(), point, e), 1e-12 * value);
  // With a fixed mask the gradient is that of the network of the kept units.
  for (std::uint64_t trial = 0; trial < 3; ++trial) {
    const auto v = random_vector(objective->layout(), 100 + trial, 1);
    const auto at = [&](double t) {
      std::vector<double> x = point;
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += t * v[i];
      return by_hand(objective->layout(), x, e);
    };
    EXPECT_NEAR(dot(g, v), (at(1e-5) - at(-1e-5)) / 2e-5, 1e-7 * (1 + std::abs(dot(g, v))));
  }
}

// For every activation, including those whose slope is computed from their value.
TEST(Dropout, GradientsOfEveryActivationAreThoseOfDifferences) {
  for (const std::string& activation : model::activation_names()) {
    const auto objective = network<double>({0.5, 0.5}, {8, 8}, activation.c_str());
    const auto rows = make_rows<double>(kCount, kFeatures, 0);
    data::Examples<double> e = rows.view(false);
    e.draw = kDraw;
    const auto point = random_vector(objective->layout(), 1, 0.6);
    const auto v = random_vector(objective->layout(), 100, 1);
    std::vector<double> g, other;
    gradient<double>(*objective, point, e, g);
    const auto at = [&](double t) {
      std::vector<double> x = point;
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += t * v[i];
      return gradient<double>(*objective, x, e, other);
    };
    EXPECT_NEAR(dot(g, v), (at(1e-5) - at(-1e-5)) / 2e-5, 1e-6 * (1 + std::abs(dot(g, v)))) << activation;
  }
}

// By scripts/golden/philox.py: seed 3, minibatch 5, layer 1, record 9, p = 0.3, units 0 to 9.
TEST(Dropout, UnitsAreDrawnByPhilox) {
  const std::array<int, 10> stays = {0, 0, 1, 0, 1, 1, 1, 0, 1, 0};
  for (std::size_t u = 0; u < stays.size(); ++u) EXPECT_EQ(mask(kDraw, 1, 9, u, 0.3) != 0, stays[u] == 1) << u;
}

TEST(Dropout, IsOffWithoutAMinibatch) {
  const auto with = network<float>(kChances);
  const auto without = network<float>({});
  const auto rows = make_rows<float>(kCount, kFeatures, 0);
  data::Examples<float> e = rows.view(false);
  const auto fine = random_vector(with->layout(), 1, 0.8);
  const std::vector<float> point(fine.begin(), fine.end());
  std::vector<float> a, b, dropped;
  EXPECT_EQ(gradient<float>(*with, point, e, a), gradient<float>(*without, point, e, b));
  EXPECT_EQ(a, b);
  const auto tape = with->make_tape();
  const model::PreparedPoint<float> here(*with, point);
  const double loss = with->evaluate(here, e, *tape).loss;
  e.draw = kDraw;
  gradient<float>(*with, point, e, dropped);
  EXPECT_NE(dropped, a);
  with->forward_backward(here, e, 1, *tape);
  e.draw.reset();
  EXPECT_EQ(with->evaluate(here, e, *tape).loss, loss) << "a tape forgets its mask";
}

// The share of units that is left out, and its independence: other layers, records, minibatches and seeds have other draws.
TEST(Dropout, LeavesTheStatedShareOut) {
  std::size_t left_out = 0, same = 0;
  for (std::uint64_t record = 0; record < 200; ++record) {
    for (std::uint64_t unit = 0; unit < 100; ++unit) {
      const bool out = mask(kDraw, 0, record, unit, 0.3) == 0;
      left_out += out ? 1 : 0;
      for (const bool other : {mask(kDraw, 1, record, unit, 0.3) == 0, mask({3, 6}, 0, record, unit, 0.3) == 0,
                               mask({4, 5}, 0, record, unit, 0.3) == 0, mask(kDraw, 0, record + 1, unit, 0.3) == 0})
        same += other == out ? 1 : 0;
    }
  }
  EXPECT_NEAR(static_cast<double>(left_out) / 20000, 0.3, 4 * std::sqrt(0.21 / 20000));
  EXPECT_NEAR(static_cast<double>(same) / 80000, 0.58, 0.02) << "as of two that know nothing of each other";
}

TEST(Dropout, HasNoHessian) {
  const auto objective = network<double>(kChances);
  const auto rows = make_rows<double>(kCount, kFeatures, 0);
  data::Examples<double> e = rows.view(false);
  e.draw = kDraw;
  const auto point = random_vector(objective->layout(), 1, 0.8);
  std::vector<double> out;
  EXPECT_THROW(gradient<double>(*objective, point, e, out, &point), std::logic_error);
}

TEST(DropoutConfig, IsOneChanceOrOneForEachLayer) {
  const auto parsed = [](const std::string& text) {
    return model::parse_model(
               base::Config::parse("[model]\nkind = \"mlp\"\nloss = \"squared\"\n" + text, "run.toml").section("model"))
        .dropout;
  };
  EXPECT_TRUE(parsed("").empty());
  EXPECT_TRUE(parsed("dropout = 0\n").empty());
  EXPECT_EQ(parsed("hidden = [8, 4]\ndropout = 0.5\n"), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(parsed("hidden = [8, 4]\ndropout = [0, 0.25]\n"), (std::vector<double>{0, 0.25}));
  const auto refusal = [&](const std::string& text) -> std::string {
    try {
      parsed(text);
    } catch (const base::Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(refusal("hidden = [8, 4]\ndropout = [0.5]\n").find("one for each of the 2 hidden layers"), std::string::npos);
  EXPECT_NE(refusal("dropout = 1\n").find("[0, 1)"), std::string::npos);
  EXPECT_NE(network<float>(kChances)->describe().find("dropout 0.3 0.6"), std::string::npos);
}

}  // namespace
}  // namespace talweg::test
