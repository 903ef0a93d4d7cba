// SPDX-License-Identifier: Apache-2.0
// Update rules and methods that an embedding program brings along (TrainOptions::methods).
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "talweg/error.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/train.hpp"
#include "tests/support/folder.hpp"

namespace talweg::test {
namespace {

/// x = x - lr sign(g) |g|^(1/2), counted.
class RootRule final : public optim::UpdateRule {
 public:
  explicit RootRule(const base::Section& s) : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.counter("root.updates"); }
  optim::Update begin(optim::RuleStep& step) const override {
    ++step.state().counter("root.updates");
    return optim::update_by([rate = step.lr]<class Real>(const optim::RuleBlock<Real>& b) {
      for (std::size_t i = 0; i < b.count; ++i)
        b.x[i] -= static_cast<Real>(rate) * std::copysign(std::sqrt(std::abs(b.g[i])), b.g[i]);
    });
  }
};
constexpr optim::Entry kRoot{.name = "root", .make_rule = optim::make<RootRule, optim::UpdateRule>};

/// Counts its steps and gives up at the third.
class GivesUp final : public optim::Method {
 public:
  explicit GivesUp(const base::Section&) {}
  optim::Needs needs() const override { return {optim::Need::full_batch, optim::Need::smooth_omega}; }
  optim::Cost cost(const optim::CostPoint&) const override { return {}; }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.counter("steps"); }

 private:
  optim::StepReport advance(optim::StepContext& context) const override {
    context.note("once");
    context.note("twice");
    if (++context.state.counter("steps") == 3) return {.outcome = optim::Outcome::stuck, .message = "enough"};
    return {};
  }
};
constexpr optim::Entry kGivesUp{.name = "gives_up", .make_method = optim::make<GivesUp, optim::Method>};

train::TrainOptions options(std::vector<optim::Entry> methods) {
  train::TrainOptions given;
  given.threads = 1;
  given.methods = std::move(methods);
  model::UserRows rows{.count = 128, .features = 2, .rows = {}, .targets = {}};
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double a = std::sin(static_cast<double>(i)), b = std::cos(2.0 * static_cast<double>(i));
    rows.rows.insert(rows.rows.end(), {a, b});
    rows.targets.push_back(3 * a - b);
  }
  given.rows = rows;
  return given;
}

train::TrainResult trained(const std::string& method, const std::string& run, const train::TrainOptions& given) {
  const auto world = comm::alone();
  return train::train(
      base::Config::parse("[model]\nkind = \"linear\"\nloss = \"squared\"\n[method]\n" + method + "[run]\n" + run, "own.toml"),
      given, *world, {});
}

std::string refusal(const std::string& method, std::vector<optim::Entry> methods, base::ExitCode code) {
  try {
    trained(method, "steps = 3\n", options(std::move(methods)));
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown for " << method;
  return "";
}

std::vector<double> values(const train::TrainResult& result) {
  std::vector<double> all;
  for (const train::TrainedTensor& t : result.parameters) all.insert(all.end(), t.values.begin(), t.values.end());
  return all;
}

TEST(OwnMethods, ARuleTrainsByItsNameAndBehindAnEstimator) {
  const auto alone = trained("name = \"root\"\nlr = 0.02\n", "steps = 300\nbatch = 32\n", options({kRoot}));
  EXPECT_EQ(alone.summary.method, "root");
  EXPECT_LT(alone.summary.figures.get("train_loss"), 0.02);
  const auto behind = trained("name = \"svrg\"\nrule = \"root\"\nlr = 0.02\n", "steps = 300\nbatch = 32\n", options({kRoot}));
  EXPECT_LT(behind.summary.figures.get("train_loss"), 0.02);
}

TEST(OwnMethods, AResumedRunHasTheSameBits) {
  const std::string method = "name = \"root\"\nlr = 0.02\n";
  const auto whole = trained(method, "steps = 20\nbatch = 32\n", options({kRoot}));
  const Folder folder;
  auto given = options({kRoot});
  given.run = folder / "run";
  trained(method, "steps = 8\nbatch = 32\n", given);
  EXPECT_EQ(values(trained(method, "steps = 20\nbatch = 32\n", given)), values(whole));
}

TEST(OwnMethods, AMethodsStepIsFinishedByTheBaseClass) {
  auto given = options({kGivesUp});
  const Folder folder;
  given.run = folder / "run";
  const auto result = trained("name = \"gives_up\"\n", "steps = 9\nbatch = \"full\"\n", given);
  EXPECT_EQ(result.summary.ending.message.find("once"), std::string::npos) << result.summary.ending.message;
  EXPECT_NE(result.summary.ending.message.find("enough"), std::string::npos) << result.summary.ending.message;
}

TEST(OwnMethods, AreRefusedAsTalwegsAre) {
  const std::string unknown = refusal("name = \"roots\"\n", {kRoot}, base::ExitCode::bad_config);
  EXPECT_NE(unknown.find("did you mean 'root'"), std::string::npos) << unknown;
  const std::string key = refusal("name = \"root\"\nrate = 1\n", {kRoot}, base::ExitCode::bad_config);
  EXPECT_NE(key.find("method.rate"), std::string::npos) << key;
  const std::string full = refusal("name = \"gives_up\"\n", {kRoot, kGivesUp}, base::ExitCode::bad_config);
  EXPECT_NE(full.find("run.batch = \"full\""), std::string::npos) << full;
  EXPECT_NE(full.find("root"), std::string::npos) << "which fits: " << full;
}

TEST(OwnMethods, WrongEntriesAreRefused) {
  EXPECT_NE(refusal("", {{.name = "adam", .make_rule = kRoot.make_rule}}, base::ExitCode::usage).find("\"adam\""),
            std::string::npos);
  EXPECT_NE(refusal("", {kRoot, kRoot}, base::ExitCode::usage).find("already"), std::string::npos);
  EXPECT_NE(refusal("", {{.name = "nothing"}}, base::ExitCode::usage).find("0 makers"), std::string::npos);
  EXPECT_NE(refusal("", {{.make_rule = kRoot.make_rule}}, base::ExitCode::usage).find("without a name"), std::string::npos);
}

}  // namespace
}  // namespace talweg::test
