// SPDX-License-Identifier: Apache-2.0
// Checkpoints whose hash is right and whose content is not that of the run: refused with 65, with file, field, what was found
// and what was expected; additional content is accepted.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "talweg/train.hpp"
#include "tests/support/folder.hpp"

namespace talweg::train {
namespace {

using Alter = std::function<void(io::Checkpoint&)>;

struct Case {
  const char* name;
  Alter alter;
  std::vector<std::string> says;  // none: accepted
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

std::vector<double>& doubles(io::StoredTensor& tensor) { return std::get<std::vector<double>>(tensor.values); }

const Case kCases[] = {
    {"MissingWeight", [](auto& c) { c.parameters.erase(c.parameters.begin()); }, {"layers.0.weight", "[4, 3]", "missing"}},
    {"NoParameters", [](auto& c) { c.parameters.clear(); }, {"layers.0.weight", "missing"}},
    {"RenamedWeight", [](auto& c) { c.parameters[0].name = "layers.7.weight"; }, {"layers.0.weight", "missing"}},
    {"TransposedWeight",
     [](auto& c) {
       c.parameters[0].shape = {3, 4};
     },
     {"layers.0.weight", "[3, 4]", "[4, 3]"}},
    {"FlatWeight", [](auto& c) { c.parameters[0].shape = {12}; }, {"layers.0.weight", "[12]", "[4, 3]"}},
    {"WiderLayer",
     [](auto& c) {
       c.parameters[0].shape = {5, 3};
       doubles(c.parameters[0]).resize(15);
     },
     {"layers.0.weight", "[5, 3]", "[4, 3]"}},
    {"OtherPrecision",
     [](auto& c) {
       const auto& from = doubles(c.parameters[0]);
       c.parameters[0].values = std::vector<float>(from.begin(), from.end());
     },
     {"layers.0.weight", "float32", "float64"}},
    {"OtherPrecisionOfState",
     [](auto& c) {
       auto& tensor = c.state.at("first_moment")[1];
       const auto& from = doubles(tensor);
       tensor.values = std::vector<float>(from.begin(), from.end());
     },
     {"layers.0.bias", "float32", "float64"}},
    {"MissingSlot", [](auto& c) { c.state.erase("second_moment"); }, {"second_moment", "missing", "another method"}},
    {"SlotOfAnotherMethod",
     [](auto& c) {
       c.state["velocity"] = c.state.at("first_moment");
       c.state.erase("first_moment");
     },
     {"first_moment", "missing"}},
    {"SlotOfAnotherShape",
     [](auto& c) {
       c.state.at("first_moment")[0].shape = {2, 6};
     },
     {"layers.0.weight", "[2, 6]", "[4, 3]"}},
    {"SlotWithoutATensor", [](auto& c) { c.state.at("first_moment").pop_back(); }, {"layers.1.bias", "missing"}},
    {"NoTrainersBest", [](auto& c) { c.state.erase("trainer.best"); }, {"trainer.best", "missing"}},
    {"MissingMeter", [](auto& c) { c.counters.erase("meter.gradients"); }, {"meter.gradients", "missing"}},
    {"AnotherStep", [](auto& c) { c.counters["trainer.step"] += 3; }, {"trainer.step", "8", "5"}},
    {"NoStep", [](auto& c) { c.counters.erase("trainer.step"); }, {"trainer.step", "0", "5"}},
    {"MissingGrids", [](auto& c) { c.arrays.erase("engine.grids"); }, {"engine.grids", "missing"}},
    {"ShortGrids", [](auto& c) { c.arrays.at("engine.grids").pop_back(); }, {"engine.grids", "values, expected"}},
    {"LongGrids", [](auto& c) { c.arrays.at("engine.grids").push_back(0); }, {"engine.grids", "values, expected"}},
    {"GridsThatAreNoExponents",
     [](auto& c) { c.arrays.at("engine.grids")[0] = 1e300; },
     {"engine.grids", "1e+300", "exponents"}},
    {"GridsTooCoarse",
     [](auto& c) { c.arrays.at("engine.grids")[0] = 2147483647; },
     {"engine.grids", "2147483647", "exponents"}},
    {"GridsBetweenExponents", [](auto& c) { c.arrays.at("engine.grids")[0] = 0.5; }, {"engine.grids", "0.5", "exponents"}},
    {"NoStateOfTheMethod", [](auto& c) { c.state.clear(); }, {"state vector", "missing"}},
    {"NoMeters",
     [](auto& c) { std::erase_if(c.counters, [](auto& e) { return e.first.starts_with("meter."); }); },
     {"meter.", "missing"}},
    {"OtherData", [](auto& c) { c.fingerprint = "0123"; }, {"other data", "0123"}},
    {"NoFingerprint", [](auto& c) { c.fingerprint.clear(); }, {"other data"}},
    {"NoConfig", [](auto& c) { c.config.clear(); }, {"config"}},
    {"ConfigThatIsNoToml", [](auto& c) { c.config = "[run\n"; }, {"config"}},
    {"MoreState", [](auto& c) { c.state["of.tomorrow"] = c.state.at("first_moment"); }, {}},
    {"MoreTensors",
     [](auto& c) {
       c.parameters.push_back({"of.tomorrow", {1}, std::vector<double>{1}});
     },
     {}},
    {"MoreCounters", [](auto& c) { c.counters["of.tomorrow"] = 1; }, {}},
    {"MoreAttributes", [](auto& c) { c.attributes["of.tomorrow"] = "1"; }, {}},
};

class ForeignCheckpoint : public testing::TestWithParam<Case> {
 protected:
  TrainResult run(int steps) {
    TrainOptions options;
    options.run = folder_ / "run";
    model::UserRows rows{.count = 128, .features = 3, .rows = {}, .targets = {}};
    for (std::size_t i = 0; i < rows.count; ++i) {
      for (std::size_t j = 0; j < 3; ++j) rows.rows.push_back(std::sin(static_cast<double>(3 * i + j)));
      rows.targets.push_back(rows.rows[3 * i] - rows.rows[3 * i + 2]);
    }
    options.rows = rows;
    const auto comm = comm::alone();
    const std::string config =
        "[model]\nkind = \"mlp\"\nhidden = [4]\nloss = \"squared\"\n[method]\nname = \"adam\"\n[run]\nbatch = 16\nprecision = "
        "\"float64\"\nsteps = " +
        std::to_string(steps) + "\n";
    return train(base::Config::parse(config, "test.toml"), options, *comm, {});
  }
  test::Folder folder_;
};

TEST_P(ForeignCheckpoint, IsRefusedByField) {
  const Case& c = GetParam();
  run(5);
  const auto file = io::checkpoint_file(folder_ / "run/checkpoints", 5);
  io::Checkpoint checkpoint = io::load(file);
  c.alter(checkpoint);
  io::save_as(file, checkpoint);
  if (c.says.empty()) {
    EXPECT_EQ(run(9).summary.step, 9);
    return;
  }
  try {
    run(9);
    FAIL() << "accepted";
  } catch (const base::Error& e) {
    EXPECT_TRUE(e.code() == base::ExitCode::bad_data || e.code() == base::ExitCode::bad_config) << e.what();
    const std::string said = e.what();
    EXPECT_NE(said.find(file.string()), std::string::npos) << said;
    for (const std::string& piece : c.says) EXPECT_NE(said.find(piece), std::string::npos) << piece << " in: " << said;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ForeignCheckpoint, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace talweg::train
