// SPDX-License-Identifier: Apache-2.0
// [data] of a config, and sources named on the command line.
#include "tests/data/support.hpp"

namespace talweg::data {
namespace {

using base::Config;
using base::ExitCode;

DataConfig parse(const std::string& text) {
  const Config config = Config::parse("[data]\n" + text, "run.toml", {}, "/here");
  const DataConfig data = parse_data(config.section("data"));
  config.reject_unread();
  return data;
}
void expect_refused(const std::string& text, const std::vector<std::string>& pieces) {
  expect_error([&] { parse(text); }, ExitCode::bad_config, pieces);
}

TEST(ParseData, ABareStringIsAPath) {
  const DataConfig data = parse("train = \"sub/a.csv.gz\"\ntest = \"b.svm\"\n");
  EXPECT_EQ(data.train.path, "/here/sub/a.csv.gz");
  EXPECT_EQ(data.train.format, "csv");
  EXPECT_EQ(data.train.label_column, "last");
  EXPECT_EQ(data.test->format, "libsvm");
  EXPECT_FALSE(data.valid);
  EXPECT_EQ(data.holdout, 0);
  EXPECT_EQ(data.split_seed, 1U);
  EXPECT_EQ(data.transform, "none");
}

TEST(ParseData, ATableSaysHowToRead) {
  const DataConfig data = parse(
      "train = {path = \"/x\", format = \"npy\", labels = \"y.npy\", label_column = \"first\"}\n"
      "holdout = 0.25\nsplit_seed = 7\ntransform = \"divide:255\"\n");
  EXPECT_EQ(data.train.path, "/x");
  EXPECT_EQ(data.train.format, "npy");
  EXPECT_EQ(data.train.labels, "/here/y.npy");
  EXPECT_EQ(data.train.label_column, "first");
  EXPECT_EQ(data.holdout, 0.25);
  EXPECT_EQ(data.split_seed, 7U);
  EXPECT_EQ(data.transform, "divide:255");
}

TEST(ParseData, LabelColumnsAreNamesOrNumbers) {
  EXPECT_EQ(parse("train = {path = \"a.csv\", label_column = 3}\n").train.label_column, "3");
  EXPECT_EQ(parse("train = {path = \"a.csv\", label_column = \"kind\"}\n").train.label_column, "kind");
  expect_refused("train = {path = \"a.csv\", label_column = -1}\n", {"run.toml:2:", "label_column", "-1"});
  expect_refused("train = {path = \"a.csv\", label_column = 0.5}\n", {"run.toml:2:", "label_column", "0.5"});
}

TEST(ParseData, FormatsAreGuessedFromTheName) {
  const std::vector<std::pair<std::string, std::string>> expected = {{"train-images-idx3-ubyte", "idx"},
                                                                     {"train-images-idx3-ubyte.gz", "idx"},
                                                                     {"a.svm", "libsvm"},
                                                                     {"a.libsvm.gz", "libsvm"},
                                                                     {"a9a", "libsvm"},
                                                                     {"a9a.t.gz", "libsvm"},
                                                                     {"a.csv", "csv"},
                                                                     {"a.tsv.gz", "csv"},
                                                                     {"x.npy", "npy"}};
  for (const auto& [name, format] : expected) EXPECT_EQ(parse("train = \"" + name + "\"\n").train.format, format) << name;
  EXPECT_EQ(format_names(), (std::vector<std::string>{"idx", "libsvm", "csv", "npy"}));
}

TEST(ParseData, WhatIsReadResolvesToTheSame) {
  const Config config = Config::parse(
      "[data]\ntrain = {path = \"a.csv\", label_column = 0}\nholdout = 0.5\ntransform = \"minmax\"\n", "run.toml", {}, "/here");
  const DataConfig first = parse_data(config.section("data"));
  const DataConfig again = parse_data(Config::parse(config.resolved_toml(), "resolved").section("data"));
  EXPECT_EQ(again.train.path, first.train.path);
  EXPECT_EQ(again.train.format, first.train.format);
  EXPECT_EQ(again.train.label_column, "0");
  EXPECT_EQ(again.holdout, first.holdout);
  EXPECT_EQ(again.transform, first.transform);
}

TEST(ParseData, BadValuesAreRefused) {
  expect_refused("holdout = 0.1\n", {"run.toml", "data.train", "nothing"});
  expect_refused("train = {format = \"csv\"}\n", {"data.train.path", "nothing"});
  expect_refused("train = \"a.dat\"\n", {"run.toml:2:", "a.dat", "format"});
  expect_refused("train = {path = \"a.dat\"}\n", {"run.toml:2:", "data.train.format", "a.dat", "idx, libsvm, csv, npy"});
  expect_refused("train = {path = \"a.csv\", format = \"cvs\"}\n", {"run.toml:2:", "cvs", "csv"});
  expect_refused("train = 3\n", {"run.toml:2:", "data.train", "3"});
  expect_refused("train = {path = \"a.csv\", lables = \"b\"}\n", {"run.toml:2:", "lables", "labels"});
  expect_refused("train = \"a.csv\"\nholdout = 1\n", {"run.toml:3:", "holdout", "1"});
  expect_refused("train = \"a.csv\"\nholdout = -0.1\n", {"run.toml:3:", "holdout", "-0.1"});
  expect_refused("train = \"a.csv\"\nvalid = \"b.csv\"\nholdout = 0.1\n", {"run.toml:4:", "holdout", "valid"});
  expect_refused("train = \"a.csv\"\nsplit_seed = -1\n", {"run.toml:3:", "split_seed", "-1"});
  for (const std::string bad : {"max", "divide", "divide:", "divide:0", "divide:x", "divide:inf", "divide:nan"}) {
    expect_refused("train = \"a.csv\"\ntransform = \"" + bad + "\"\n", {"run.toml:3:", "transform", bad, "divide:<number>"});
  }
}

TEST(SourceFromPath, IsReadLikeTheTrainingFile) {
  const Source like{.path = "/t/train.txt", .format = "csv", .labels = {}, .label_column = "first"};
  EXPECT_EQ(source_from_path("new.dat", like).format, "csv");
  EXPECT_EQ(source_from_path("new.dat", like).label_column, "first");
  EXPECT_EQ(source_from_path("new.svm", like).format, "libsvm");
  EXPECT_TRUE(source_from_path("new.dat", like).labels.empty());
}

TEST(SourceFromPath, LabelsArePairedByName) {
  const Folder folder;
  const Source like{.path = "/t/X_train.npy", .format = "npy", .labels = "/t/y_train.npy"};
  EXPECT_TRUE(source_from_path(folder / "X_test.npy", like).labels.empty()) << "there is no such file";
  const auto labels = folder.write("y_test.npy", "");
  EXPECT_EQ(source_from_path(folder / "X_test.npy", like).labels, labels);
  EXPECT_TRUE(source_from_path(folder / "other.npy", like).labels.empty()) << "the name does not say";
  EXPECT_TRUE(source_from_path(folder / "X_test.csv", like).labels.empty()) << "another format";
}

}  // namespace
}  // namespace talweg::data
