// SPDX-License-Identifier: Apache-2.0
// JSON is written as nlohmann's dump writes it, and a summary is read back.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "report/json_writer.hpp"
#include "report/stored_summary.hpp"
#include "report/summary.hpp"
#include "talweg/error.hpp"
#include "tests/support/folder.hpp"

namespace talweg::report {
namespace {

std::string dump(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

TEST(JsonWriter, WritesWhatTheLibraryDumps) {
  const std::vector<double> numbers = {
      0, -0.0, 1, 0.1, 1e15, 1e16, 123456789012345680.0, 1e-5, 1e-4, 5e-324, 1.7976931348623157e308};
  const std::vector<std::string> texts = {"",
                                          "plain",
                                          "\"quoted\" \\ / \b\f\n\r\t",
                                          std::string("\0\x01\x1f\x7f", 4),
                                          "gr\xc3\xbc\xc3\x9f dich",
                                          "\xf0\x9f\x8e\xb2",
                                          "caf\xe9",
                                          "\xc3(",
                                          "\xe2\x82",
                                          "\xff\xfe"};
  JsonWriter json;
  json.object().field("numbers", numbers).field("texts", texts).field("none", nullptr).field("yes", true).field("no", false);
  json.field("negative", std::int64_t{-9223372036854775807}).field("large", std::uint64_t{18446744073709551615U});
  json.field("absent", std::optional<double>()).field("present", std::optional<int>(7));
  json.object("empty").end().array("nothing").end();
  json.array("rows");
  json.object().field("a", 1).end().object().field("b \"", 2).array("c").value(1).array().value("x").end().end().end().end();
  json.field("map", std::map<std::string, double>{{"z", 1.5}, {"a", NAN}}).end();
  const nlohmann::ordered_json expected = {{"numbers", numbers},
                                           {"texts", texts},
                                           {"none", nullptr},
                                           {"yes", true},
                                           {"no", false},
                                           {"negative", -9223372036854775807},
                                           {"large", 18446744073709551615U},
                                           {"absent", nullptr},
                                           {"present", 7},
                                           {"empty", nlohmann::ordered_json::object()},
                                           {"nothing", nlohmann::ordered_json::array()},
                                           {"rows", {{{"a", 1}}, {{"b \"", 2}, {"c", {1, {"x"}}}}}},
                                           {"map", {{"a", nullptr}, {"z", 1.5}}}};
  EXPECT_EQ(json.text(), dump(expected));
}

TEST(JsonWriter, WritesEveryNumberAsTheLibraryDoes) {
  std::mt19937_64 bits(7);
  std::vector<double> numbers;
  for (int i = 0; i < 20000; ++i) {
    const double number = std::bit_cast<double>(bits());
    numbers.push_back(std::isfinite(number) ? number : 0.5);
    numbers.push_back(std::uniform_real_distribution<double>(0, 1)(bits));
  }
  EXPECT_TRUE(JsonWriter().value(numbers).text() == dump(numbers));  // too many for a message
}

TEST(JsonWriter, HasNoNumberForWhatIsNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(JsonWriter().value(std::vector<double>{NAN, kInfinity, -kInfinity}).text(), "[\n  null,\n  null,\n  null\n]\n");
}

TEST(JsonWriter, TakesJsonThatWasIndentedElsewhere) {
  const nlohmann::ordered_json inner = {{"a", {1, 2}}, {"b", "two\nlines"}};
  JsonWriter json;
  json.object().key("inner").json(inner.dump(2)).field("after", 1).end();
  EXPECT_EQ(json.text(), dump({{"inner", inner}, {"after", 1}}));
}

TEST(JsonWriter, RefusesBracketsThatDoNotMatch) {
  EXPECT_THROW(static_cast<void>(JsonWriter().object().text()), std::logic_error);
  EXPECT_THROW(JsonWriter().end(), std::logic_error);
}

class Summaries : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) { return folder_.write("summary.json", text); }
  test::Folder folder_;
};

train::Summary example() {
  train::Summary s;
  s.ending = {.code = base::ExitCode::diverged, .reason = "diverged", .message = "after step 7"};
  s.step = 7;
  s.figures.set("train_loss", 0.25);
  s.figures.set("valid_loss", NAN);
  s.best_step = 5;
  s.best_metric = "valid_loss";
  s.best_value = 1e-3;
  s.files.last_checkpoint = 6;
  s.files.checkpoints = 2;
  return s;
}

TEST_F(Summaries, AreReadBack) {
  const auto file = write(summary_json(example()));
  const SummaryFacts facts = read_facts(file);
  EXPECT_EQ(facts.code, static_cast<int>(base::ExitCode::diverged));
  EXPECT_EQ(facts.step, 7);
  EXPECT_EQ(facts.last_checkpoint, 6);
  EXPECT_EQ(facts.best, -1);
  const StoredSummary stored = read_summary(file);
  EXPECT_EQ(stored.json + "\n", summary_json(example()));
  EXPECT_EQ(stored.text("/ending/reason"), "diverged");
  EXPECT_EQ(stored.text("/best/value"), "0.001");
  EXPECT_EQ(stored.text("/figures/valid_loss"), "null");
  EXPECT_EQ(stored.text("/of/another/version"), "");
  EXPECT_EQ(stored.number("/files/checkpoints"), 2);
  EXPECT_TRUE(stored.has("/best"));
  EXPECT_FALSE(stored.has("/least"));
  EXPECT_FALSE(stored.has("/bes"));
}

TEST_F(Summaries, OfARunWithoutABestPointHaveNone) {
  train::Summary s = example();
  s.best_step.reset();
  EXPECT_FALSE(read_summary(write(summary_json(s))).has("/best"));
}

TEST_F(Summaries, ThatAreDamagedAreRefusedOrSayNothing) {
  for (const char* text : {"", "[]", "{\"step\": 7", "7"}) {
    EXPECT_EQ(read_facts(write(text)).step, -1) << text;
    EXPECT_THROW(read_summary(write(text)), base::Error) << text;
  }
  EXPECT_EQ(read_facts(write("{\"step\": \"seven\"}")).step, -1);
  EXPECT_EQ(read_facts(folder_ / "none.json").step, -1);
}

}  // namespace
}  // namespace talweg::report
