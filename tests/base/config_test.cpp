// SPDX-License-Identifier: Apache-2.0
#include "talweg/config.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "talweg/error.hpp"
#include "tests/support/folder.hpp"

namespace talweg::base {
namespace {

template <class Work>
std::string message(ExitCode code, Work work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

Config parse(const std::string& text, std::vector<std::string> overrides = {}) {
  return Config::parse(text, "run.toml", overrides);
}

TEST(Config, GivesValuesAndDefaults) {
  const Config config = parse("[a]\nx = 2\ny = 0.5\nname = \"adam\"\non = true\nlist = [1, 2]\nnumbers = [0.5, 2]\n");
  const Section a = config.section("a");
  EXPECT_EQ(a.number("x", std::nullopt, {}, "an integer is a number"), 2.0);
  EXPECT_EQ(a.number("y", std::nullopt, Range::unit(), "y"), 0.5);
  EXPECT_EQ(a.number("z", 7.0, {}, "z"), 7.0);
  EXPECT_EQ(a.text("name", std::nullopt, "name"), "adam");
  EXPECT_EQ(a.choice("name", std::nullopt, {"sgd", "adam"}, "name"), "adam");
  EXPECT_TRUE(a.flag("on", false, "on"));
  EXPECT_EQ(a.integers("list", {}, {}, "list"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(a.numbers("numbers", {}, {}, "numbers"), (std::vector<double>{0.5, 2}));
  EXPECT_EQ(config.section("missing").integer("n", 3, {}, "n"), 3);
}

struct Refused {
  const char* text;
  void (*read)(const Section&);
  const char* expected;
  friend void PrintTo(const Refused& c, std::ostream* out) { *out << c.expected; }
};

class ConfigErrors : public testing::TestWithParam<Refused> {};

TEST_P(ConfigErrors, NamePlaceKeyFoundAndExpected) {
  const Refused& c = GetParam();
  const std::string text = message(ExitCode::bad_config, [&] { c.read(parse(std::string("[a]\n") + c.text).section("a")); });
  EXPECT_EQ(text, c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ConfigErrors,
    testing::Values(Refused{"x = \"fast\"\n", [](const Section& s) { s.number("x", std::nullopt, Range::positive(), ""); },
                            "run.toml:2:5: a.x: found \"fast\", expected a number in (0, inf)"},
                    Refused{"x = 0\n", [](const Section& s) { s.number("x", std::nullopt, Range::positive(), ""); },
                            "run.toml:2:5: a.x: found 0, expected a number in (0, inf)"},
                    Refused{"x = nan\n", [](const Section& s) { s.number("x", std::nullopt, Range::unit(), ""); },
                            "run.toml:2:5: a.x: found nan, expected a number in [0, 1]"},
                    Refused{"x = inf\n", [](const Section& s) { s.number("x", std::nullopt, Range::positive(), ""); },
                            "run.toml:2:5: a.x: found inf, expected a number in (0, inf)"},
                    Refused{"x = [1, inf]\n", [](const Section& s) { s.numbers("x", {}, Range::positive(), ""); },
                            "run.toml:2:9: a.x[1]: found inf, expected a number in (0, inf)"},
                    Refused{"x = [1, inf]\n", [](const Section& s) { s.numbers("x", {}, {}, ""); },
                            "run.toml:2:9: a.x[1]: found inf, expected a number"},
                    Refused{"n = 2.5\n", [](const Section& s) { s.integer("n", std::nullopt, Range::at_least(1), ""); },
                            "run.toml:2:5: a.n: found 2.5, expected an integer in [1, inf)"},
                    Refused{"\n\n   on = 1\n", [](const Section& s) { s.flag("on", true, ""); },
                            "run.toml:4:9: a.on: found 1, expected true or false"}));

TEST(Config, MissingKeysAreNamed) {
  EXPECT_NE(message(ExitCode::bad_config, [] { parse("[a]\n").section("a").number("x", std::nullopt, {}, "x"); })
                .find("a.x: found nothing, expected a number"),
            std::string::npos);
}

TEST(Config, ChoicesListTheNamesAndTheNearest) {
  const std::string text = message(ExitCode::bad_config, [] {
    parse("[a]\nk = \"adamm\"\n").section("a").choice("k", std::nullopt, {"sgd", "adam"}, "k");
  });
  for (const char* piece : {"run.toml:2:5", "\"adamm\"", "\"sgd\"", "\"adam\""})
    EXPECT_NE(text.find(piece), std::string::npos) << text;
}

TEST(Config, UnreadKeysAreRefusedWithTheNearestName) {
  const Config config = parse("[run]\nbatch = 2\nseeed = 3\n");
  const Section run = config.section("run");
  run.integer("batch", 1, {}, "");
  run.integer("seed", 1, {}, "");
  const std::string text = message(ExitCode::bad_config, [&] { config.reject_unread(); });
  EXPECT_NE(text.find("run.toml:3:1: run.seeed"), std::string::npos) << text;
  EXPECT_NE(text.find("'seed'"), std::string::npos) << text;
}

TEST(Config, UnreadTablesAreRefusedToo) {
  const Config config = parse("[rnu]\nbatch = 2\n");
  config.section("run").integer("batch", 1, {}, "");
  EXPECT_NE(message(ExitCode::bad_config, [&] { config.reject_unread(); }).find("'run'"), std::string::npos);
}

TEST(Config, SyntaxErrorsHaveAPlace) {
  EXPECT_NE(message(ExitCode::bad_config, [] { parse("[a]\nx = = 2\n"); }).find("run.toml:2:5"), std::string::npos);
  EXPECT_NE(message(ExitCode::bad_config, [] { parse("[a]\nx = 1\nx = 2\n"); }).find("run.toml:3:"), std::string::npos);
}

TEST(Config, OverridesReplaceAndCreate) {
  const Config config = parse("[a]\nx = 1\n", {"a.x=2.5", "b.name=adam", "b.list=[1, 2]", "b.c.deep=true"});
  EXPECT_EQ(config.section("a").number("x", std::nullopt, {}, ""), 2.5);
  EXPECT_EQ(config.section("b").text("name", std::nullopt, ""), "adam") << "a bare word is a string";
  EXPECT_EQ(config.section("b").integers("list", {}, {}, "").size(), 2U);
  EXPECT_TRUE(config.section("b").section("c").flag("deep", false, ""));
  EXPECT_EQ(config.resolved().front().origin, "--set");
}

TEST(Config, MalformedOverridesAreUsageErrors) {
  for (const char* bad : {"x", "=3", "x=3", "a.=3", "a..x=1", "x="}) {
    EXPECT_NE(message(ExitCode::usage, [&] { parse("", {bad}); }).find(bad), std::string::npos);
  }
}

TEST(Config, AnOverrideWithoutAValueTakesTheKeyOut) {
  const Config config =
      parse("[a]\nx = 1\ny = 2\nold = 1\n[b]\nz = 3\n", {"a.x=", "a.old=", "a.w=", "a.inner.v=", "b.z=", "b.z=4"});
  const Section a = config.section("a");
  EXPECT_EQ(a.kind("x"), 0) << "as if not given";
  EXPECT_EQ(a.integer("x", 7, {}, ""), 7);
  EXPECT_EQ(a.integer("y", 7, {}, ""), 2);
  EXPECT_EQ(a.kind("inner"), 0) << "no table comes of it";
  EXPECT_EQ(config.section("b").integer("z", 7, {}, ""), 4) << "later ones win";
  EXPECT_EQ(config.resolved()[0].origin, "default");
  EXPECT_NO_THROW(config.reject_unread()) << "nobody reads old any more: that is why it was taken out; and w was not there";
  const Config typo = parse("[a]\nsteps = 1\n", {"a.step="});
  typo.section("a").integer("steps", 7, {}, "");
  EXPECT_NE(message(ExitCode::bad_config, [&] { typo.reject_unread(); }).find("a.step: unknown key; did you mean 'steps'?"),
            std::string::npos);
  const Config slip = parse("[a]\nx = 1\n", {"aa.x="});
  slip.section("a").integer("x", 7, {}, "");
  EXPECT_NE(message(ExitCode::bad_config, [&] { slip.reject_unread(); }).find("aa: unknown table"), std::string::npos);
}

TEST(Config, AKeyThatIsReadUnderAnotherSettingIsToldSo) {
  const Config config = parse("[a]\nx = 1\n");
  EXPECT_NE(config.section("a").kind("x"), 0);
  const std::string told = message(ExitCode::bad_config, [&] {
    config.reject_unread([](std::string_view table, std::string_view key) {
      return table == "a" && key == "x" ? std::string("kind = \"other\"") : std::string();
    });
  });
  EXPECT_EQ(told, "run.toml:2:1: a.x: nothing reads it here, expected it together with kind = \"other\"");
}

TEST(Config, RemembersWhereValuesCameFrom) {
  const Config config = parse("[a]\nx = 1\n");
  config.section("a").integer("x", 0, {}, "first");
  config.section("a").integer("y", 5, {}, "second");
  const auto resolved = config.resolved();
  ASSERT_EQ(resolved.size(), 2U);
  EXPECT_EQ(resolved[0].origin, "run.toml:2:1");
  EXPECT_EQ(resolved[1].origin, "default");
  EXPECT_EQ(resolved[1].value, "5");
  EXPECT_EQ(resolved[1].meaning, "second");
}

TEST(Config, ListsTheValuesOfAChoiceWithItsMeaning) {
  const Config config = parse("[a]\n");
  config.section("a").choice("few", "no", {"no", "yes"}, "whether");
  config.section("a").choice("many", "a", {"a", "b", "c", "d", "e", "f", "g", "h", "i"}, "which");
  EXPECT_EQ(config.resolved()[0].meaning, "whether (no | yes)");
  EXPECT_EQ(config.resolved()[1].meaning, "which") << "a list of its own";
}

TEST(Config, ListsWhatHasToBeGiven) {
  const auto read = [](const Config& config) {
    const Section a = config.section("a");
    EXPECT_EQ(a.number("x", std::nullopt, Range::positive(), "length"), 1);
    EXPECT_EQ(a.number("share", std::nullopt, Range::decay(), "share"), 0.5);
    EXPECT_EQ(a.integer("n", std::nullopt, {.low = 4, .high = 9}, "count"), 4);
    EXPECT_EQ(a.number("given", std::nullopt, {}, ""), 3);
  };
  const Config config = parse("[a]\ngiven = 3\n");
  EXPECT_NE(message(ExitCode::bad_config, [&] { read(config); }).find("a.x: found nothing"), std::string::npos);
  const Config listing = parse("[a]\ngiven = 3\n");
  listing.list_required();
  read(listing);
  EXPECT_EQ(listing.resolved()[0].value, "required");
  EXPECT_EQ(listing.resolved()[3].value, "3.0");
}

TEST(Config, ResolvedTomlParsesBackToTheSame) {
  const auto read = [](const Config& config) {
    const Section a = config.section("a");
    a.number("pi", 3.141592653589793, {}, "");
    a.number("tiny", 1e-300, {}, "");
    a.number("huge", std::numeric_limits<double>::infinity(), {}, "");
    a.text("quoted", "a \"b\" \\ \n c", "");
    a.integers("list", {1, -2}, {}, "");
    a.section("inner").flag("on", true, "");
  };
  const Config first = parse("[a]\nlist = [4]\n");
  read(first);
  const Config second = Config::parse(first.resolved_toml(), "again");
  read(second);
  EXPECT_EQ(first.resolved_toml(), second.resolved_toml());
  EXPECT_NE(second.resolved_toml().find("3.141592653589793"), std::string::npos);
}

TEST(Config, PathsAreTakenFromItsFolder) {
  const Config config = Config::parse("[d]\nf = \"data/x.csv\"\ng = \"/abs/y\"\n", "run.toml", {}, "/some/folder");
  EXPECT_EQ(config.section("d").path("f", std::nullopt, ""), "/some/folder/data/x.csv");
  EXPECT_EQ(config.section("d").path("g", std::nullopt, ""), "/abs/y");
  EXPECT_TRUE(config.section("d").path("none", "", "").empty());
}

TEST(Config, FilesThatAreNotThereAreInputMissing) {
  const test::Folder folder;
  EXPECT_NE(message(ExitCode::input_missing, [&] { Config::load(folder / "no.toml"); }).find("no.toml"), std::string::npos);
  EXPECT_NE(message(ExitCode::input_missing, [&] { Config::load(folder.path()); }).find(folder.path().string()),
            std::string::npos);
  const Config loaded = Config::load(folder.write("yes.toml", "[a]\r\nx = 3\r\n"));
  EXPECT_EQ(loaded.section("a").integer("x", 0, {}, ""), 3);
}

TEST(Nearest, SuggestsSlipsOnly) {
  const std::vector<std::string> known = {"batch", "epochs", "seed"};
  EXPECT_EQ(nearest("bacth", known), "batch");
  EXPECT_EQ(nearest("epoch", known), "epochs");
  EXPECT_EQ(nearest("BATCH", known), "batch");
  EXPECT_EQ(nearest("zebra", known), std::nullopt);
}

}  // namespace
}  // namespace talweg::base
