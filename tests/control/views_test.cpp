// SPDX-License-Identifier: Apache-2.0
// What commands print, from what they are given; whole command lines are in tests/e2e.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "control/certificate_view.hpp"
#include "control/methods.hpp"
#include "control/template.hpp"
#include "optim/settings.hpp"
#include "talweg/error.hpp"
#include "tests/support/source.hpp"
#include "train/run_config.hpp"

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
    EXPECT_TRUE(to_json(view).starts_with(fmt::format("{{\n  \"name\": \"{}\",", entry->name))) << to_json(view);
  }
  const MethodView adam = view_of(optim::find_entry("adam"));
  EXPECT_EQ(adam.kind, "update rule");
  EXPECT_EQ(adam.vectors, (std::vector<std::string>{"first_moment", "second_moment"}));
  EXPECT_TRUE(std::ranges::any_of(adam.hyperparameters,
                                  [](const base::Resolved& r) { return r.key == "beta2" && r.value == "0.999"; }));
  EXPECT_NE(to_text(adam).find("none | polyak | stochastic_weight | exponential"), std::string::npos) << to_text(adam);
  EXPECT_TRUE(view_of(optim::find_entry("lbfgs")).needs.has(optim::Need::full_batch));
}

// In each mode of each entry: what it asks of a run stands in the text and in the JSON.
TEST(Methods, EveryNeedIsTold) {
  std::size_t seen = 0;
  for (const optim::Entry* entry : optim::catalogue()) {
    MethodView view = view_of(*entry);
    std::vector<optim::Needs> modes = {view.needs};
    for (const base::Resolved& key : view.hyperparameters) {
      for (const std::string& setting : optim::other_settings(key)) {
        try {
          const auto config =
              base::Config::parse(fmt::format("[method]\nname = \"{}\"\n{}\n", entry->name, setting), "mode.toml");
          config.list_required();
          modes.push_back(optim::build_method(config.section("method"))->needs());
        } catch (const base::Error&) {  // does not stand alone
        }
      }
    }
    for (const optim::Needs& needs : modes) {
      view.needs = needs;
      const std::string text = to_text(view);
      const std::string json = to_json(view);
      for (const optim::Need need : optim::all_needs()) {
        const optim::NeedFacts facts = optim::facts_of(need);
        const std::string value = need == optim::Need::horizon ? std::to_string(needs.horizon())
                                  : needs.has(need)            ? "true"
                                                               : "false";
        EXPECT_NE(json.find(fmt::format("\"{}\": {}", facts.name, value)), std::string::npos) << entry->name << "\n" << json;
        if (!needs.has(need)) continue;
        ++seen;
        const std::string_view piece = facts.takes.substr(0, facts.takes.find('{'));
        const bool implied = std::ranges::any_of(facts.implied_by, [&](const auto& n) { return n && needs.has(*n); });
        EXPECT_TRUE(implied || text.find(piece) != std::string::npos) << entry->name << ": " << facts.name << "\n" << text;
      }
    }
  }
  EXPECT_GE(seen, 300U);
  const MethodView svrg = view_of(optim::find_entry("svrg"));
  EXPECT_NE(to_json(svrg).find("\"constant_batch\": true"), std::string::npos) << to_json(svrg);
  EXPECT_NE(to_text(svrg).find("no run.batch_schedule"), std::string::npos) << to_text(svrg);
  EXPECT_NE(to_json(view_of(optim::find_entry("rsg"))).find("\"horizon\": 1000"), std::string::npos);
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
  EXPECT_NE(to_json(view_of(optim::find_entry("adam"))).find("\"with\": \"lookahead > 0\""), std::string::npos);
}

TEST(Certificate, TheWordsNameTheVerdict) {
  train::Certificate c;
  c.gradient_tolerance = 1e-3;
  c.curvature_tolerance = 0.03;
  c.gradient_norm = 1e-4;
  c.smallest_eigenvalue = 0.5;
  c.doubt = c.convex_doubt = 1e-9;
  c.verdict = train::judge(c);
  EXPECT_NE(certificate_text(c).find("local minimum"), std::string::npos) << certificate_text(c);
  EXPECT_NE(certificate_text(c).find("strictly convex"), std::string::npos) << certificate_text(c);
  EXPECT_NE(certificate_json(c).find("\"verdict\": \"local minimum\""), std::string::npos) << certificate_json(c);
}

TEST(Schedules, EveryOneIsTold) {
  for (const optim::ScheduleEntry& entry : optim::schedules())
    EXPECT_NE(to_text(view_of(entry)).find(entry.name), std::string::npos);
  const auto piecewise = std::ranges::find(optim::schedules(), "piecewise", &optim::ScheduleEntry::name);
  EXPECT_NE(to_text(view_of(*piecewise)).find("has to be given"), std::string::npos);
}

}  // namespace
}  // namespace talweg::control
