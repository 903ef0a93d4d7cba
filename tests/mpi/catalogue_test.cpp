// SPDX-License-Identifier: Apache-2.0
// Every line of the catalogue, on these ranks and in every placement, against one rank: a new line is enrolled by being there.
#include <gtest/gtest.h>

#include <cmath>

#include "optim/registry.hpp"
#include "talweg/train.hpp"
#include "tests/mpi/worlds.hpp"

namespace talweg::test {
namespace {

/// More than four shards, of which the last is a short one.
model::UserRows rows() {
  model::UserRows rows{.count = 267, .features = 5, .rows = {}, .targets = {}};
  for (std::size_t i = 0; i < rows.count; ++i) {
    for (std::size_t j = 0; j < rows.features; ++j)
      rows.rows.push_back(std::sin(static_cast<double>(7 * i + 3 * j)) * static_cast<double>(j + 1));
    rows.targets.push_back(std::tanh(rows.rows[5 * i] - rows.rows[5 * i + 3]) + 0.1 * std::cos(static_cast<double>(i)));
  }
  return rows;
}

/// A run of the line's defaults, or of what makes it short.
base::Config config_of(const optim::Entry& entry, const std::string& placement) {
  std::string method = fmt::format("[method]\nname = \"{}\"\n", entry.name);
  const auto build = [&] { return optim::build_method(base::Config::parse(method, "defaults").section("method")); };
  if (build()->needs().horizon() > 0) method += "iterations = 9\n";
  const optim::Needs needs = build()->needs();
  const bool linear = needs.has(optim::Need::linear) || needs.has(optim::Need::convex);
  return base::Config::parse(
      fmt::format(
          "{}[model]\n{}loss = \"squared\"\n[regularizer]\nl2 = 0.01\n[run]\nseed = 5\nbatch = {}\nsteps = 9\nprecision = "
          "\"float32\"\nplacement = \"{}\"\n",
          method, linear ? "kind = \"linear\"\n" : "kind = \"mlp\"\nhidden = [40]\nactivation = \"tanh\"\n",
          needs.has(optim::Need::full_batch) ? "\"full\"" : "100", placement),
      std::string(entry.name));
}

/// On the coordinator, its parameters; elsewhere nothing.
std::vector<double> trained(const optim::Entry& entry, const std::string& placement, comm::Communicator& comm) {
  train::TrainOptions options;
  options.threads = 1;
  options.rows = rows();
  const train::TrainResult result = train::train(config_of(entry, placement), options, comm, {});
  if (comm.coordinator()) {
    EXPECT_GE(result.summary.step, 4) << entry.name << " ended before it could show anything";
  }
  std::vector<double> all;
  for (const train::TrainedTensor& t : result.parameters) all.insert(all.end(), t.values.begin(), t.values.end());
  return all;
}

TEST(Catalogue, EveryLineHasTheBitsOfOneRank) {
  for (const optim::Entry* entry : optim::catalogue()) {
    std::vector<double> expected;
    if (world->coordinator()) expected = trained(*entry, "replicated", *comm::alone());
    const auto expect_same = [&](comm::Communicator& comm, const char* placement) {
      const std::vector<double> found = trained(*entry, placement, comm);
      if (!world->coordinator()) return;
      EXPECT_FALSE(found.empty()) << entry->name;
      EXPECT_TRUE(found == expected) << entry->name << ", " << placement << ", " << comm.node().nodes << " nodes";
    };
    for (const char* placement : {"replicated", "coordinator"}) expect_same(*world, placement);
    expect_same(*singles, "sharded");
  }
}

}  // namespace
}  // namespace talweg::test
