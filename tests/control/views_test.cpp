// SPDX-License-Identifier: Apache-2.0
// What commands print, from what they are given; whole command lines are in tests/e2e.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "control/diff.hpp"
#include "control/methods.hpp"
#include "control/table.hpp"
#include "control/template.hpp"
#include "tests/support/source.hpp"
#include "train/run_config.hpp"
#include "train/summary.hpp"

namespace talweg::control {
namespace {

TEST(Configs, EveryShippedOneParses) {
  std::size_t count = 0;
  for (const char* folder : {"configs", "configs/bench"}) {
    for (const auto& entry : std::filesystem::directory_iterator(test::source() / folder)) {
      if (entry.path().extension() != ".toml") continue;
      ++count;
      EXPECT_NO_THROW(train::parse_run(base::Config::load(entry.path()))) << entry.path();
    }
  }
  EXPECT_GE(count, 20U);
}

TEST(Templates, EveryOneParses) {
  EXPECT_GE(config_templates().size(), 5U);
  for (const ConfigTemplate& t : config_templates()) {
    EXPECT_NO_THROW(train::parse_run(base::Config::parse(std::string(t.text), std::string(t.task)))) << t.task;
    EXPECT_FALSE(t.summary.empty());
  }
}

TEST(Methods, EveryEntryIsTold) {
  const std::string all = catalogue_text();
  for (const optim::Entry* entry : optim::catalogue()) {
    EXPECT_NE(all.find(entry->name), std::string::npos) << entry->name;
    const MethodView view = view_of(*entry);
    const std::string text = to_text(view);
    for (const std::string_view piece : {entry->title, entry->source, entry->cost})
      EXPECT_NE(text.find(piece), std::string::npos) << entry->name << ": " << piece;
    EXPECT_EQ(to_json(view)["name"], entry->name);
  }
  const MethodView adam = view_of(optim::find_entry("adam"));
  EXPECT_EQ(adam.kind, "update rule");
  EXPECT_EQ(adam.vectors, (std::vector<std::string>{"first_moment", "second_moment"}));
  EXPECT_TRUE(std::ranges::any_of(adam.hyperparameters,
                                  [](const base::Resolved& r) { return r.key == "beta2" && r.value == "0.999"; }));
  EXPECT_NE(to_text(adam).find("none | polyak | stochastic_weight | exponential"), std::string::npos) << to_text(adam);
  EXPECT_TRUE(view_of(optim::find_entry("lbfgs")).needs.full_batch);
}

// Keys that are read only where another has some value are told too, with that value.
TEST(Methods, KeysOfAModeAreTold) {
  const auto keys = [](const char* name, const std::string& with) {
    std::vector<std::string> found;
    for (const MethodView::Mode& mode : view_of(optim::find_entry(name)).modes) {
      if (mode.with.find(with) == std::string::npos) continue;
      for (const base::Resolved& r : mode.keys) found.push_back(r.key);
    }
    return found;
  };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys("adam", "average = \"exponential\""), (Keys{"average_from", "average_decay"}));
  EXPECT_EQ(keys("adam", "lookahead > 0"), (Keys{"lookahead_alpha"}));
  const auto sgd = keys("sgd", "noise = \"langevin\"");
  EXPECT_NE(std::ranges::find(sgd, "temperature"), sgd.end());
  const auto agd = keys("agd", "\"strongly_convex\"");
  EXPECT_NE(std::ranges::find(agd, "strong_convexity"), agd.end()) << "one that has to be given";
  const auto pgd = keys("pgd", "mode = \"theory\"");
  EXPECT_NE(std::ranges::find(pgd, "smoothness"), pgd.end());
  std::string all;
  for (const optim::Entry* entry : optim::catalogue()) all += to_text(view_of(*entry));
  for (const char* key : {"c1 ", "shrink ", "line_requests ", "strong_convexity ", "smoothness ", "temperature ",
                          "average_from ", "average_decay ", "lookahead_alpha "})
    EXPECT_NE(all.find(std::string("    ") + key), std::string::npos) << key;
  EXPECT_FALSE(to_json(view_of(optim::find_entry("adam")))["modes"].empty());
}

TEST(Schedules, EveryOneIsTold) {
  for (const optim::ScheduleEntry* entry : optim::schedules())
    EXPECT_NE(to_text(view_of(*entry)).find(entry->name), std::string::npos);
  EXPECT_NE(to_text(view_of(*std::ranges::find_if(optim::schedules(), [](const auto* e) { return e->name == "piecewise"; })[0]))
                .find("has to be given"),
            std::string::npos);
}

TEST(Ulps, CountRepresentableNumbersBetween) {
  EXPECT_EQ(ulps(1.0F, 1.0F), 0U);
  EXPECT_EQ(ulps(1.0F, std::nextafter(1.0F, 2.0F)), 1U);
  EXPECT_EQ(ulps(-0.0, 0.0), 1U) << "other bits, another number";
  EXPECT_EQ(ulps(std::nextafter(0.0, -1.0), std::nextafter(0.0, 1.0)), 3U);
  EXPECT_EQ(ulps(1.0, 2.0), std::uint64_t{1} << 52);
}

io::Checkpoint checkpoint(std::vector<float> w) {
  io::Checkpoint c;
  c.step = 3;
  c.parameters = {{.name = "w", .shape = {2, 2}, .values = std::move(w)}};
  c.counters["trainer.step"] = 3;
  return c;
}

TEST(Diff, NamesTheFirstElementThatDiffers) {
  EXPECT_FALSE(first_difference(checkpoint({1, 2, 3, 4}), checkpoint({1, 2, 3, 4})));
  const auto found = first_difference(checkpoint({1, 2, 3, 4}), checkpoint({1, 2, std::nextafter(3.0F, 4.0F), 5}));
  ASSERT_TRUE(found);
  EXPECT_NE(found->where.find("w, element 2"), std::string::npos) << found->where;
  EXPECT_NE(found->distance.find("1 ULP"), std::string::npos) << found->distance;
}

TEST(Diff, FindsTheFirstRowOfATrace) {
  io::Trace a;
  a.steps = {{"step", {1, 2, 3}}, {"loss", {0.5, 0.4, 0.3}}};
  io::Trace b = a;
  EXPECT_FALSE(first_difference(a, b));
  b.steps["loss"][1] = 0.41;
  const auto found = first_difference(a, b);
  ASSERT_TRUE(found);
  EXPECT_NE(found->where.find("step 2"), std::string::npos) << found->where;
  EXPECT_NE(found->where.find("loss"), std::string::npos) << found->where;
}

TEST(Table, AlignsItsColumns) {
  Table table({{"name", Table::Align::left}, {"n", Table::Align::right}});
  table.add({"a", "1"});
  table.add({"long", "1000"});
  EXPECT_EQ(table.text(), "name     n\na        1\nlong  1000\n");
}

}  // namespace
}  // namespace talweg::control
