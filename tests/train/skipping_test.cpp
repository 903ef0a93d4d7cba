// SPDX-License-Identifier: Apache-2.0
// SVRG that leaves out examples beyond the margin: the engine's run of a sparse file against plain loops over its rows, to the
// point and to the count of gradients.
#include "data/load.hpp"
#include "talweg/train.hpp"
#include "tests/e2e/problems.hpp"
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kRows = 120;  // one shard: cyclic minibatches are those of the plain loops
constexpr std::size_t kFeatures = 124;

/// The smooth hinge of the file's rows, in the order in which they are held; x is the weights, then the bias.
FiniteSum hinges(const base::Config& config) {
  const auto data = data::load<double>(data::parse_data(config.section("data")), data::TargetKind::classes, 0, 1, {}).train;
  std::vector<std::vector<std::size_t>> rows;
  std::vector<double> labels;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    labels.push_back(data.targets[i] > 0 ? 1 : -1);
    auto& ones = rows.emplace_back();
    for (std::size_t k = data.row_begin[i]; k < data.row_begin[i + 1]; ++k)
      ones.push_back(static_cast<std::size_t>(data.column[k]));
    ones.push_back(kFeatures);  // the bias
  }
  return {.n = rows.size(),
          .dimension = kFeatures + 1,
          .term =
              [rows, labels](std::size_t i, const Point& x, Point& g) {
                double margin = 0;
                for (const std::size_t j : rows[i]) margin += labels[i] * x[j];
                if (margin >= 1) return 0.0;
                const double slope = std::max(margin - 1, -1.0);
                for (const std::size_t j : rows[i]) g[j] += slope * labels[i];
                return margin > 0 ? 0.5 * slope * slope : 0.5 - margin;
              },
          .hessian_vector = {},
          .shapes = {{1, kFeatures}, {1}}};
}

TEST(Skipping, TheEngineLeavesOutWhatPlainLoopsLeaveOut) {
  const Folder folder;
  const std::string file = sparse_file(folder, kRows);
  const std::string method = "name = \"svrg\"\nlr = 0.3\nskip_flat = true\n";
  const int steps = 120;  // 20 passes
  std::string text = sparse_config(file, method, "20\nsampling = \"cyclic\"\nprecision = \"float64\"", steps, "smooth_hinge");
  text.replace(text.find("l2 = 1e-4"), 9, "l2 = 0");
  train::TrainOptions options;
  options.threads = 2;
  const auto comm = comm::alone();
  const auto config = base::Config::parse(text, "run.toml");
  const train::TrainResult result = train::train(config, options, *comm, {});

  MethodRun<double> plain(method, hinges(config), Point(kFeatures + 1), 20);
  plain.steps(steps);
  Point found;
  for (const auto& tensor : result.parameters) found.insert(found.end(), tensor.values.begin(), tensor.values.end());
  const Point expected = plain.x();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t j = 0; j < found.size(); ++j) ASSERT_NEAR(found[j], expected[j], 1e-12) << j;
  const auto gradients = static_cast<std::int64_t>(plain.oracle().gradients);
  EXPECT_EQ(result.summary.method_costs.gradients, gradients);
  EXPECT_LT(gradients, 3 * 20 * steps * 4 / 5) << "nothing to speak of was left out: the test shows nothing";
}

}  // namespace
}  // namespace talweg::test
