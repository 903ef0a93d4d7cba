// SPDX-License-Identifier: Apache-2.0
// Bad input ends every rank with the promised code and one clear message, alone and under mpirun. The details of messages are
// tested in each room; these tests check what a user sees at the command line.
#include <gtest/gtest.h>

#include "tests/e2e/problems.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {
namespace {

class BadInput : public testing::Test {
 protected:
  std::string config(const std::string& data, const std::string& rest = "") const {
    return folder_
        .write("bad.toml", "[data]\n" + data +
                               "\n[model]\nkind = \"linear\"\nloss = \"cross_entropy\"\n[run]\nsteps = 2\nbatch = 4\n" + rest)
        .string();
  }
  std::string train_on(const std::string& file) const { return "train = {path = \"" + file + "\"}"; }
  /// Alone and on 2 and 3 ranks: the code, every piece of the message, and each piece once.
  void expect(const std::string& config, int code, const std::vector<std::string>& pieces,
              const std::vector<std::string>& more = {}) const {
    for (const int ranks : {0, 2, 3}) {
      std::vector<std::string> arguments = {"train", config, "--run", (folder_ / "run").string(), "--progress", "none"};
      arguments.insert(arguments.end(), more.begin(), more.end());
      const Result result = talweg(ranks, arguments);
      ASSERT_FALSE(result.timed_out) << ranks << " ranks hang";
      EXPECT_EQ(result.code, code) << ranks << " ranks: " << result.out << result.err;
      for (const std::string& piece : pieces)
        EXPECT_NE(result.err.find(piece), std::string::npos) << '"' << piece << "\" is not in: " << result.err;
      const auto first = result.err.find("talweg train: ");
      EXPECT_NE(first, std::string::npos) << result.err;
      EXPECT_EQ(result.err.find("talweg train: ", first + 1), std::string::npos) << "said twice: " << result.err;
    }
  }

  Folder folder_;
};

TEST_F(BadInput, MissingConfig) { expect((folder_ / "none.toml").string(), 66, {"none.toml"}); }
TEST_F(BadInput, MissingData) { expect(config(train_on("nowhere.csv")), 66, {"nowhere.csv"}); }
TEST_F(BadInput, UnknownFormat) {
  expect(config(train_on(folder_.write("x.dat", "1,2\n").string())), 78, {"bad.toml:2:", "format"});
}
TEST_F(BadInput, MisspeltKey) { expect(config(train_on(digits()), "batc = 3\n"), 78, {"bad.toml:9:1", "batc", "batch"}); }
TEST_F(BadInput, UnknownSection) { expect(config(train_on(digits()), "[metod]\nname = \"sgd\"\n"), 78, {"metod", "method"}); }
TEST_F(BadInput, WrongType) {
  expect(config(train_on(digits()), "[method]\nlr = \"fast\"\n"), 78, {"bad.toml:10:", "lr", "fast"});
}
TEST_F(BadInput, SyntaxError) { expect(config(train_on(digits()), "[method\n"), 78, {"bad.toml:9:"}); }
TEST_F(BadInput, BatchOfZero) { expect(config(train_on(digits())), 78, {"batch", "0"}, {"--set", "run.batch=0"}); }
TEST_F(BadInput, UnknownMethod) { expect(config(train_on(digits()), "[method]\nname = \"adamm\"\n"), 78, {"adamm", "adam"}); }
TEST_F(BadInput, BatchNormalization) {
  const auto file =
      folder_.write("norm.toml", "[data]\n" + train_on(digits()) +
                                     "\n[model]\nkind = \"mlp\"\nhidden = [8]\nbatch_norm = true\nloss = \"cross_entropy\"\n");
  expect(file.string(), 78, {"norm.toml:6:", "finite sum"});
}
TEST_F(BadInput, ShortRow) {
  expect(config(train_on(folder_.write("short.csv", "1,2,0\n1,0\n").string())), 65, {"short.csv", "line 2"});
}
TEST_F(BadInput, WordInsteadOfNumber) {
  expect(config(train_on(folder_.write("word.csv", "1,2,0\n1,abc,1\n").string())), 65, {"word.csv", "line 2", "abc"});
}
TEST_F(BadInput, NotANumber) {
  expect(config(train_on(folder_.write("nan.csv", "1,2,0\n1,nan,1\n").string())), 65, {"nan.csv", "nan"});
}
TEST_F(BadInput, LibsvmIndexZero) {
  expect(config(train_on(folder_.write("zero.libsvm", "+1 1:1\n-1 0:1\n").string())), 65, {"zero.libsvm", "line 2"});
}
TEST_F(BadInput, LibsvmUnsorted) {
  expect(config(train_on(folder_.write("order.libsvm", "+1 3:1 2:1\n-1 1:1\n").string())), 65, {"order.libsvm", "line 1"});
}
TEST_F(BadInput, TruncatedIdx) {
  const std::string head("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02", 16);
  folder_.write("t-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x02\0\x01", 10));
  const auto images = folder_.write("t-images-idx3-ubyte", head + "12345");
  expect(config(train_on(images.string())), 65, {"t-images-idx3-ubyte", "5", "8"});
}
TEST_F(BadInput, LabelOutsideTheClasses) {
  const auto train = folder_.write("two.csv", "1,2,0\n2,1,1\n3,1,0\n");
  const auto test = folder_.write("three.csv", "1,2,0\n2,1,7\n");
  expect(config(train_on(train.string()) + "\ntest = {path = \"" + test.string() + "\"}"), 65, {"three.csv", "7"});
}
TEST_F(BadInput, WrongShapesInInit) {
  const auto made = folder_ / "made.npz";
  const std::string python =
      "import numpy; numpy.savez('" + made.string() + "', weight=numpy.zeros((3, 64)), bias=numpy.zeros(10))";
  if (run({"/usr/bin/python3", "-c", python}).code != 0) GTEST_SKIP() << "python3-numpy is not installed";
  expect(config(train_on(digits()), "[init]\nkind = \"file\"\npath = \"made.npz\"\n"), 65,
         {"made.npz", "weight", "[3, 64]", "[10, 64]"});
}
TEST_F(BadInput, RunDirectoryOfAnotherConfig) {
  const std::string file = config(train_on(digits()));
  ASSERT_EQ(talweg(0, {"train", file, "--run", (folder_ / "run").string(), "--progress", "none"}).code, 0);
  const std::string before = read_file(folder_ / "run" / "config.toml");
  expect(file, 78, {"run.batch", "4", "8"}, {"--set", "run.batch=8"});
  EXPECT_EQ(read_file(folder_ / "run" / "config.toml"), before) << "the run lost its config";
}
TEST_F(BadInput, OtherDataOnResume) {
  const auto data = folder_.write("rows.csv", "1,2,0\n2,1,1\n3,1,0\n");
  const std::string file = config(train_on(data.string()));
  ASSERT_EQ(talweg(0, {"train", file, "--run", (folder_ / "run").string(), "--progress", "none"}).code, 0);
  folder_.write("rows.csv", "1,2,0\n2,1,1\n3,9,0\n");
  expect(file, 65, {"fingerprint"}, {"--set", "run.steps=4"});
}
TEST_F(BadInput, DivergenceEndsWith79OnEveryRank) {
  const std::string file = config(train_on(digits()), "precision = \"float32\"\n[method]\nname = \"sgd\"\nlr = 1e38\n");
  for (const int ranks : {0, 2, 3}) {
    const Result result = talweg(ranks, {"train", file, "--run", (folder_ / ("d" + std::to_string(ranks))).string(),
                                         "--progress", "none", "--set", "run.steps=50"});
    EXPECT_EQ(result.code, 79) << result.out << result.err;
    EXPECT_NE((result.out + result.err).find("diverged"), std::string::npos);
  }
}
// Too large for every grid of exact sums: this once ran for ever.
TEST_F(BadInput, GradientsBeyondAllGridsAreDivergence) {
  const auto data = folder_.write("huge.csv", "1e300,1\n-3e300,2\n2e300,1\n");
  const auto file = folder_.write("huge.toml", "[data]\n" + train_on(data.string()) +
                                                   "\n[model]\nkind = \"linear\"\nloss = \"squared\"\n[run]\nsteps = 3\n"
                                                   "precision = \"float64\"\n");
  for (const int ranks : {0, 2}) {
    const std::string run = (folder_ / ("h" + std::to_string(ranks))).string();
    const Result result = talweg(ranks, {"train", file.string(), "--run", run, "--progress", "none"});
    EXPECT_FALSE(result.timed_out);
    EXPECT_EQ(result.code, 79) << result.out << result.err;
  }
}
TEST_F(BadInput, EpochsWithoutEnd) {
  const auto file =
      folder_.write("long.toml", "[data]\n" + train_on(digits()) +
                                     "\n[model]\nkind = \"linear\"\nloss = \"cross_entropy\"\n[run]\nepochs = inf\n");
  expect(file.string(), 78, {"long.toml:7:", "run.epochs", "inf"});
}
TEST_F(BadInput, FractionsAsClasses) {
  const auto data = folder_.write("features.csv", "1,2,0.37\n2,1,1.5\n3,1,2\n");
  expect(config(train_on(data.string())), 65, {"features.csv", "0.37", "label_column"});
}
TEST_F(BadInput, AModelLargerThanTheMachine) {
  const auto data = folder_.write("wide.libsvm", "1 1:1\n0 2000000000:1\n");
  expect(config(train_on(data.string()), "[method]\nname = \"adam\"\n"), 78, {"parameters", "GB"});
}
TEST_F(BadInput, UsageErrors) {
  const Result misspelt = talweg(0, {"trian"});
  EXPECT_EQ(misspelt.code, 64);
  EXPECT_NE(misspelt.err.find("did you mean train?"), std::string::npos) << misspelt.err;
  EXPECT_EQ(talweg(0, {"train", "x.toml", "--run", ""}).code, 64);
  EXPECT_EQ(talweg(0, {"train"}).code, 64);
  const Result no_time = talweg(0, {"bench", "x.toml", "--seconds", "0"});
  EXPECT_EQ(no_time.code, 64);
  EXPECT_NE(no_time.err.find("found 0, expected a number above 0"), std::string::npos) << no_time.err;
  EXPECT_EQ(talweg(2, {"train", "--no-such-option"}).code, 64);
}

}  // namespace
}  // namespace talweg::test
