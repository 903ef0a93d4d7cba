// SPDX-License-Identifier: Apache-2.0
// The configs of the a9a tables, on 2000 made-up rows of a9a's kind: each reaches the minimum, variance-reduced methods in
// fewer passes than accelerated ones; with l1 the duality gap closes, or falls, and zeros are exact where they can be told.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "talweg/train.hpp"
#include "tests/e2e/problems.hpp"
#include "tests/support/source.hpp"

namespace talweg::train {
namespace {

constexpr std::uint64_t kRows = 2000;

class BenchConfigs : public testing::Test {
 protected:
  BenchConfigs() : file_(test::sparse_file(folder_, kRows)) {
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) {
      std::istringstream fields(line);
      double label = 0;
      fields >> label;
      labels_.push_back(label);
      auto& ones = rows_.emplace_back();
      for (std::string pair; fields >> pair;) ones.push_back(std::stoul(pair) - 1);
    }
  }
  TrainResult run(const std::string& name, std::vector<std::string> overrides) const {
    overrides.push_back("data.train.path=" + file_);
    overrides.push_back("trace.every=100000");
    TrainOptions options;
    options.threads = 1;
    const auto comm = comm::alone();
    return train(base::Config::load(test::source() / "configs/bench" / (name + ".toml"), overrides), options, *comm, {});
  }
  static double passes(const TrainResult& result) {
    return static_cast<double>(result.summary.method_costs.gradients) / static_cast<double>(kRows);
  }

  /// Primal minus dual of mean log(1 + exp(-y z)) + l1 |w|_1 + (l2/2) |w|^2, the bias free, or 0: at the slopes of the losses,
  /// those of the heavier class scaled until the two classes weigh the same, which a free bias asks of a dual point.
  double duality_gap(const std::vector<double>& w, double b, double l1, double l2, bool free_bias = true) const {
    std::vector<double> alpha(kRows), v(w.size());
    double primal = 0, dual = 0, plus = 0, minus = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const double margin = labels_[i] * score(w, b, i);
      primal += (std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin)))) / kRows;
      alpha[i] = 1 / (1 + std::exp(margin));
      (labels_[i] > 0 ? plus : minus) += alpha[i];
    }
    for (std::size_t i = 0; i < kRows; ++i) {
      if (free_bias) alpha[i] *= std::min(1.0, labels_[i] > 0 ? minus / plus : plus / minus);
      dual -= (alpha[i] * std::log(alpha[i]) + (1 - alpha[i]) * std::log1p(-alpha[i])) / kRows;
      for (const std::size_t j : rows_[i]) v[j] += alpha[i] * labels_[i] / kRows;
    }
    for (std::size_t j = 0; j < w.size(); ++j) {
      primal += l1 * std::abs(w[j]) + l2 / 2 * w[j] * w[j];
      dual -= std::pow(std::max(std::abs(v[j]) - l1, 0.0), 2) / (2 * l2);
    }
    return primal - dual;
  }
  /// Gradient of the smooth part in w.
  std::vector<double> gradient(const std::vector<double>& w, double b, double l2) const {
    std::vector<double> g(w.size());
    for (std::size_t j = 0; j < w.size(); ++j) g[j] = l2 * w[j];
    for (std::size_t i = 0; i < kRows; ++i) {
      const double slope = -labels_[i] / (1 + std::exp(labels_[i] * score(w, b, i)));
      for (const std::size_t j : rows_[i]) g[j] += slope / kRows;
    }
    return g;
  }

 private:
  double score(const std::vector<double>& w, double b, std::size_t i) const {
    for (const std::size_t j : rows_[i]) b += w[j];
    return b;
  }
  test::Folder folder_;
  std::string file_;
  std::vector<std::vector<std::size_t>> rows_;
  std::vector<double> labels_;
};

TEST_F(BenchConfigs, ReachTheMinimumAndVarianceReductionIsFaster) {
  const std::vector<std::string> problem = {"regularizer.l2=1e-3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), problem.begin(), problem.end());
    return more;
  };
  const TrainResult exact = run("a9a_lbfgs", with({"stop.gradient_norm=1e-11"}));
  ASSERT_EQ(exact.summary.ending.reason, "gradient_norm") << exact.summary.ending.message;
  const std::string target = fmt::format("stop.target_loss={:.17g}", exact.summary.figures.get("train_objective") + 1e-10);
  const auto reach = [&](const std::string& name, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"stop.gradient_norm=", target});
    const TrainResult result = run(name, with(std::move(more)));
    EXPECT_EQ(result.summary.ending.reason, "target_loss") << name << ": " << result.summary.ending.message;
    return passes(result);
  };
  const double fista = reach("a9a_fista");
  const std::string mu = "method.strong_convexity=1e-3";
  EXPECT_GE(reach("a9a_gd", {"run.steps=200000"}), fista);
  reach("a9a_agd", {mu});
  EXPECT_LE(reach("a9a_lbfgs"), fista);
  double before = std::numeric_limits<double>::infinity();
  for (const char* length : {"0.1", "0.25", "0.5", "1.0"}) {
    const double svrg = reach("a9a_svrg", {fmt::format("method.lr={}/L_max", length)});
    EXPECT_LE(svrg, before) << length << ": longer steps of those the table has take fewer passes";
    before = svrg;
  }
  for (const char* name : {"a9a_svrg", "a9a_saga"}) EXPECT_LE(reach(name), fista) << name;
  reach("a9a_sarah");
  EXPECT_LE(reach("a9a_katyusha", {mu}), fista);
}

TEST_F(BenchConfigs, WithL1TheGapClosesAndZerosAreExact) {
  constexpr double kL1 = 3e-3, kL2 = 3e-3;
  for (const char* name : {"a9a_l1_fista", "a9a_l1_proximal_gradient", "a9a_l1_svrg", "a9a_l1_saga", "a9a_l1_katyusha"}) {
    const TrainResult result = run(name, {fmt::format("regularizer.l1={}", kL1), fmt::format("regularizer.l2={}", kL2)});
    ASSERT_EQ(result.summary.ending.reason, "gradient_norm") << name << ": " << result.summary.ending.message;
    const std::vector<double>& w = result.parameters.at(0).values;
    const double b = result.parameters.at(1).values.at(0);
    EXPECT_LE(duality_gap(w, b, kL1, kL2), 1e-10) << name;
    const std::vector<double> g = gradient(w, b, kL2);
    std::size_t zeros = 0;
    for (std::size_t j = 0; j < w.size(); ++j) {
      if (std::abs(g[j]) >= kL1 - 1e-6) continue;
      ++zeros;
      EXPECT_EQ(w[j], 0) << name << ", " << j;
    }
    EXPECT_GE(zeros, 5U) << name;
  }
}

TEST_F(BenchConfigs, StochasticCompositeRulesLetTheGapFall) {
  for (const char* name : {"a9a_l1_fobos", "a9a_l1_proximal_adagrad", "a9a_l1_adagrad_da", "a9a_l1_ftrl"}) {
    const auto gap_after = [&](int epochs) {
      const TrainResult result = run(name, {fmt::format("run.epochs={}", epochs)});
      EXPECT_EQ(result.parameters.size(), 1U) << name << " has a bias";
      return duality_gap(result.parameters.at(0).values, 0, 1e-3, 1e-4, false);
    };
    const double few = gap_after(10);
    const double more = gap_after(100);
    const double most = gap_after(1000);
    EXPECT_LE(more, few / 2) << name;
    EXPECT_LE(most, more / 2) << name;
  }
}

}  // namespace
}  // namespace talweg::train
