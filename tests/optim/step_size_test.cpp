// SPDX-License-Identifier: Apache-2.0
// lr = "c/L": where L comes from, that it is found once, kept, and paid for.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

constexpr optim::CurvatureBounds kLogistic{.largest = 5, .mean = 4, .over_zero = 1};
constexpr optim::CurvatureBounds kHuber{.largest = 5, .mean = 4, .over_zero = 0};

MethodRun<double> run_of(const std::string& lr, std::optional<optim::CurvatureBounds> bounds, const char* name = "sgd") {
  MethodRun<double> run(fmt::format("name = \"{}\"; lr = {}", name, lr), quadratic({1, 2, 3}), {1, 1, 1});
  run.oracle().bounds = bounds;
  return run;
}

TEST(StepSize, IsAMultipleOfOneOverTheHessiansNorm) {
  auto run = run_of("\"0.5/L\"", std::nullopt);
  const auto report = run.step();
  EXPECT_NEAR(report.learning_rate, 0.5 / 3, 1e-12);
  EXPECT_NEAR(run.x()[0], 1 - 0.5 / 3, 1e-12);
  EXPECT_NE(report.message.find("an estimate"), std::string::npos) << report.message;
  EXPECT_EQ(run.oracle().hvps, 3U) << "a space of three dimensions";
  EXPECT_TRUE(run.step().message.empty());
  EXPECT_EQ(run.oracle().hvps, 3U) << "found once";
}

TEST(StepSize, OfALinearModelIsBoundedByTheData) {
  auto run = run_of("\"1/L\"", kLogistic);
  run.oracle().l2 = 0.5;
  const auto report = run.step();
  EXPECT_NEAR(1 / report.learning_rate, 3.5, 1e-12);
  EXPECT_EQ(report.message.find("an estimate"), std::string::npos) << report.message;
  auto low = run_of("\"1/L\"", optim::CurvatureBounds{.largest = 3, .mean = 2.5, .over_zero = 1});
  EXPECT_NEAR(1 / low.step().learning_rate, 2.5, 1e-12) << "the mean of the terms' bounds F's";
  auto softmax = run_of("\"1/L\"", optim::CurvatureBounds{.largest = 9, .mean = 8, .over_zero = 1.5});
  EXPECT_NEAR(1 / softmax.step().learning_rate, 4.5, 1e-12);
  auto huber = run_of("\"1/L\"", kHuber);
  EXPECT_NEAR(1 / huber.step().learning_rate, 4, 1e-12);
  EXPECT_EQ(huber.oracle().hvps, 0U);
}

TEST(StepSize, KnowsTheLargestTermToo) {
  auto run = run_of("\"0.1/L_max\"", kLogistic);
  run.oracle().l2 = 1;
  EXPECT_NEAR(run.step().learning_rate, 0.1 / 6, 1e-15);
  EXPECT_EQ(run.oracle().hvps, 0U);
}

TEST(StepSize, IsTheSameAfterAResume) {
  auto first = run_of("\"1/L\"", std::nullopt, "adam");
  first.steps(3);
  auto resumed = run_of("\"1/L\"", std::nullopt, "adam");
  resumed.load(first.save());
  EXPECT_EQ(resumed.step().learning_rate, first.step().learning_rate);
  EXPECT_EQ(resumed.oracle().hvps, 0U);
}

TEST(StepSize, IsMultipliedByTheSchedule) {
  auto run = run_of("\"1/L\"", std::nullopt);
  run.progress().factor = 0.25;
  EXPECT_NEAR(run.step().learning_rate, 0.25 / 3, 1e-12);
}

TEST(StepSize, RefusesOtherText) {
  for (const char* text : {"\"1/M\"", "\"fast\"", "\"0/L\"", "\"-1/L\"", "\"1/L/2\"", "\"/L\"", "\"inf/L\"", "true"}) {
    const auto config = base::Config::parse(fmt::format("[method]\nname = \"gd\"\nlr = {}\n", text), "run.toml");
    try {
      optim::build_method(config.section("method"));
      ADD_FAILURE() << text;
    } catch (const base::Error& e) {
      EXPECT_NE(std::string(e.what()).find("run.toml:3:"), std::string::npos) << e.what();
    }
  }
}

TEST(StepSize, StaysInTheResolvedConfigAsItWasWritten) {
  for (const char* name : {"gd", "sgd", "svrg"}) {
    const auto config = base::Config::parse(fmt::format("[method]\nname = \"{}\"\nlr = \"2/L\"\n", name), "run.toml");
    optim::build_method(config.section("method"));
    EXPECT_NO_THROW(config.reject_unread());
    EXPECT_NE(config.resolved_toml().find("lr = \"2/L\""), std::string::npos) << config.resolved_toml();
  }
}

TEST(StepSize, IsTakenByMethodsWithTheirOwnStep) {
  EXPECT_NEAR(run_of("\"0.1/L_max\"", kLogistic, "katyusha").step().learning_rate, 0.02, 1e-15);
  EXPECT_NEAR(run_of("\"0.5/L\"", std::nullopt, "pgd").step().learning_rate, 0.5 / 3, 1e-12);
  EXPECT_NEAR(run_of("\"0.5/L\"", std::nullopt, "pagd").step().learning_rate, 0.5 / 3, 1e-12);
  MethodRun<double> katyusha("name = \"katyusha\"", quadratic({1, 2, 3}), {1, 1, 1});
  katyusha.oracle().bounds = kLogistic;
  const auto report = katyusha.step();
  EXPECT_NEAR(report.learning_rate, 1 / 15.0, 1e-15) << "1 / (3 L_max)";
  EXPECT_NE(report.message.find("L_max = 5"), std::string::npos) << report.message;
}

TEST(StepSize, OfTheLargestTermNeedsALinearModel) {
  const auto config = base::Config::parse("[method]\nname = \"sgd\"\nlr = \"1/L_max\"\n", "run.toml");
  const auto method = optim::build_method(config.section("method"));
  EXPECT_NO_THROW(optim::check_needs(config.section("method"), *method, offer_without({})));
  EXPECT_THROW(optim::check_needs(config.section("method"), *method, offer_without({optim::Need::linear})), base::Error);
}

TEST(StepSize, RpropTakesANumberAlone) {
  const auto config = base::Config::parse("[method]\nname = \"rprop\"\nlr = \"0.5/L\"\n", "run.toml");
  try {
    optim::build_method(config.section("method"));
    ADD_FAILURE() << "d_0 would be 0.5";
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("run.toml:3:"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("a number"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace talweg::test
