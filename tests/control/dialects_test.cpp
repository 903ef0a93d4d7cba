// SPDX-License-Identifier: Apache-2.0
// `talweg methods NAME --diff A B`: the loop it runs is that of the golden tables, and every map between dialects is right.
#include "control/dialects.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "talweg/error.hpp"
#include "tests/support/source.hpp"

namespace talweg::control {
namespace {

TEST(Dialects, TheLoopIsThatOfTheGoldenTables) {
  std::size_t rows = 0;
  for (const char* rule : {"adam", "momentum", "rmsprop", "lars", "sophia", "schedule_free_sgd"}) {
    std::ifstream file(test::source() / "tests/golden/rules" / (std::string(rule) + ".csv"));
    std::string line, before;
    std::vector<std::vector<double>> points;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::vector<std::string> fields;
      std::istringstream stream(line);
      for (std::string field; std::getline(stream, field, '|');) fields.push_back(field);
      ASSERT_EQ(fields.size(), 16U);
      if (fields[1] != "0.0" || fields[2] != "closed") continue;
      if (fields[0] != before) {
        before = fields[0];
        std::string text = before;
        std::ranges::replace(text, ';', '\n');
        points = golden_trajectory(text);
      }
      const auto& x = points.at(static_cast<std::size_t>(std::stoi(fields[3])) - 1);
      ++rows;
      for (std::size_t j = 0; j < x.size(); ++j) {
        const double expected = std::stod(fields[4 + j]);
        ASSERT_NEAR(x[j], expected, 1e-12 * std::max(1.0, std::abs(expected))) << before << ", step " << fields[3] << ", " << j;
      }
    }
  }
  EXPECT_GE(rows, 100U);
}

TEST(Dialects, MapsThatAreSaidToBeExactAre) {
  std::size_t maps = 0;
  for (const optim::Entry* entry : optim::catalogue()) {
    for (const optim::DialectMap& map : entry->maps) {
      if (map.from.empty()) continue;
      const DialectDiff diff = dialect_diff(*entry, map.from, map.to);
      EXPECT_EQ(diff.map, map.map);
      if (map.keys.empty()) continue;
      ++maps;
      const Parting& mapped = diff.partings.back();
      EXPECT_NE(mapped.what.find("mapped"), std::string::npos) << mapped.what;
      EXPECT_FALSE(mapped.apart()) << entry->name << ", " << mapped.what << ": " << mapped.largest << " at step "
                                   << mapped.step;
    }
  }
  EXPECT_GE(maps, 16U);
}

TEST(Dialects, EveryPairHasAMapOrTheReasonWhyThereIsNone) {
  for (const optim::Entry* entry : optim::catalogue()) {
    for (const std::string_view one : entry->dialects) {
      for (const std::string_view other : entry->dialects) {
        if (one == other) continue;
        EXPECT_NE(dialect_diff(*entry, one, other).map, "none is stated") << entry->name << ": " << one << ", " << other;
      }
    }
  }
}

TEST(Dialects, WhatHasNoMapPartsEvenWithTheSameValues) {
  for (const optim::Entry* entry : optim::catalogue()) {
    for (const optim::DialectMap& map : entry->maps) {
      if (!map.keys.empty() || map.from.empty() || entry->name == "momentum")
        continue;  // that parts while lr changes, and not else
      const auto partings = dialect_diff(*entry, map.from, map.to).partings;
      EXPECT_TRUE(std::ranges::any_of(partings.begin() + 1, partings.end(), [](const Parting& p) { return p.apart(); }))
          << entry->name << ": " << map.from << ", " << map.to;
    }
  }
  for (const Parting& p : dialect_diff(optim::find_entry("adam"), "tf1", "torch").partings) EXPECT_TRUE(p.apart()) << p.what;
  // The first step, epsilon 1e-8: (1 + 1e-8 / |g|) against (1 + 1e-8 / (|g| sqrt(1e-3))), times lr.
  const DialectDiff adam = dialect_diff(optim::find_entry("adam"), "tf1", "torch");
  EXPECT_EQ(adam.partings.front().step, 1);
  EXPECT_GT(adam.partings.front().size, 1e-11);
  EXPECT_LT(adam.partings.front().size, 1e-7);
}

TEST(Dialects, EachIsToldByItsOwnLines) {
  const DialectDiff diff = dialect_diff(optim::find_entry("adam"), "tf1", "torch");
  EXPECT_NE(diff.one_rule.find("tf1, keras: x_t"), std::string::npos) << diff.one_rule;
  EXPECT_EQ(diff.one_rule.find("torch, paper"), std::string::npos) << diff.one_rule;
  EXPECT_NE(diff.other_rule.find("torch, paper, optax: x_t"), std::string::npos) << diff.other_rule;
  for (const std::string* rule : {&diff.one_rule, &diff.other_rule})
    EXPECT_NE(rule->find("m_t = beta1"), std::string::npos) << *rule;
  const std::string text = to_text(diff);
  for (const char* piece : {"Map        epsilon of torch", "apart from step 1", "closed loop"})
    EXPECT_NE(text.find(piece), std::string::npos) << text;
  const DialectDiff alone = dialect_diff(optim::find_entry("adadelta"), "tf1", "torch");
  EXPECT_EQ(alone.map, "the same recurrence: defaults differ, nothing else");
  for (std::size_t i = 1; i < alone.partings.size(); ++i) EXPECT_FALSE(alone.partings[i].apart()) << alone.partings[i].what;
}

TEST(Dialects, UnknownOnesAreRefused) {
  EXPECT_THROW(dialect_diff(optim::find_entry("adam"), "tf1", "tf2"), base::Error);
  EXPECT_THROW(dialect_diff(optim::find_entry("adam"), "tf1", "tf1"), base::Error);
  EXPECT_THROW(dialect_diff(optim::find_entry("sgd"), "tf1", "torch"), base::Error);
}

}  // namespace
}  // namespace talweg::control
