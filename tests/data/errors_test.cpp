// SPDX-License-Identifier: Apache-2.0
// Every bad input: the code, and a message with file, line or record, what was found and what was expected.
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>

#include "tests/data/support.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;

class BadData : public testing::Test {
 protected:
  /// Expects that loading the text in this format fails with this code and message.
  void expect(const std::string& format, const std::string& name, const std::string& text,
              const std::vector<std::string>& pieces, const std::string& label_column = "last",
              ExitCode code = ExitCode::bad_data) const {
    Source source{.path = folder_.write(name, text), .format = format, .labels = {}, .label_column = label_column};
    expect_source(source, pieces, code);
  }
  void expect_source(const Source& source, std::vector<std::string> pieces, ExitCode code = ExitCode::bad_data,
                     TargetKind kind = TargetKind::classes) const {
    pieces.push_back(source.path.string());
    expect_error([&] { load_alone<float>(config_for(source), kind); }, code, pieces);
    expect_error([&] { load_alone<double>(config_for(source), kind); }, code, pieces);
  }
  /// Training on one text and testing on another.
  void expect_test_part(const std::string& format, const std::string& train, const std::string& test,
                        std::vector<std::string> pieces) const {
    DataConfig config = config_for({.path = folder_.write("train", train), .format = format, .labels = {}});
    config.test = Source{.path = folder_.write("other", test), .format = format, .labels = {}};
    pieces.push_back(config.test->path.string());
    expect_error([&] { load_alone<double>(config); }, ExitCode::bad_data, pieces);
  }
  Folder folder_;
};

// ---------------------------------------------------------------------------------------------------------------- files

TEST_F(BadData, MissingFile) {
  for (const std::string format : {"csv", "libsvm", "npy", "idx"}) {
    expect_source({.path = folder_ / "no-images-idx3-ubyte", .format = format, .labels = {}}, {"cannot open", "No such file"},
                  ExitCode::input_missing);
  }
  const auto file = folder_.write("a.csv", "1,0\n");
  expect_source({.path = file / "b.csv", .format = "csv", .labels = {}}, {"cannot open"}, ExitCode::input_missing);
}
TEST_F(BadData, UnreadableFile) {
  const auto file = folder_.write("secret.csv", "1,0\n");
  ASSERT_EQ(chmod(file.c_str(), 0), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  const bool root = geteuid() == 0;  // permissions do not stop root
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(root ? seteuid(kNobody) : 0, 0);
  expect_source({.path = file, .format = "csv", .labels = {}}, {"cannot open", "Permission denied"}, ExitCode::permission);
  ASSERT_EQ(root ? seteuid(0) : 0, 0);
}
TEST_F(BadData, DirectoryInsteadOfFile) {
  expect_source({.path = folder_.path(), .format = "csv", .labels = {}}, {"found a directory", "expected a file"});
}
TEST_F(BadData, PipeInsteadOfFile) {
  const auto pipe = folder_ / "pipe.csv";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_source({.path = pipe, .format = "csv", .labels = {}}, {"found a pipe", "expected a file"});
}
TEST_F(BadData, EmptyFile) {
  expect("csv", "a.csv", "", {"empty"});
  expect("csv", "b.csv", "\n \n", {"empty"});
  expect("csv", "header.csv", "a,b\n", {"no records"});
  expect("libsvm", "a.svm", "", {"no records"});
  expect("libsvm", "comment.svm", "# nothing\n", {"no records"});
  expect("npy", "a.npy", "", {"no NPY array"});
  expect("npy", "none.npy", npy<float>("<f4", "(0, 3)", {}), {"no records"});
  expect("idx", "a-images-idx3-ubyte", "", {"not an IDX file"});
}
TEST_F(BadData, TruncatedGzip) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += fmt::format("{},{},{}\n", i * 7919 % 10007, i * 104729 % 7001, i % 2);
  const std::string packed = gzipped(text);
  expect("csv", "half.csv.gz", packed.substr(0, packed.size() / 2), {"gzip", "cut off"});
  expect("csv", "tail.csv.gz", packed.substr(0, packed.size() - 4), {"gzip", "cut off"});
  std::string damaged = packed;
  damaged[damaged.size() - 6] ^= 0x40;
  expect("csv", "crc.csv.gz", damaged, {"cannot read"});
}

// ------------------------------------------------------------------------------------------------------------------ csv

TEST_F(BadData, CsvRowsOfOtherLengths) {
  expect("csv", "short.csv", "1,2,0\n3,1\n", {"line 2", "2 columns", "expected 3"});
  expect("csv", "long.csv", "1,2,0\n\n3,4,5,1\n", {"line 3", "4 columns", "expected 3"});
  expect("csv", "single.csv", "1\n2\n", {"line 1", "1 column", "expected features and a label"});
}
TEST_F(BadData, CsvWordsWhereNumbersBelong) {
  expect("csv", "word.csv", "1,2,0\n3,abc,1\n", {"line 2", "column 1 (counted from 0)", "abc", "expected a number"});
  expect("csv", "first.csv", "1,abc,0\n3,4,1\n", {"line 1", "column 1", "abc"});
  expect("csv", "missing.csv", "1,2,0\n3,,1\n", {"line 2", "column 1", "\"\"", "expected a number"});
  expect("csv", "tail.csv", "1,2,0\n3,4x,1\n", {"line 2", "4x"});
  expect("csv", "range.csv", "1,2,0\n3,1e999,1\n", {"line 2", "1e999"});
}
TEST_F(BadData, CsvLabelColumns) {
  expect("csv", "a.csv", "x,y,z\n1,2,0\n", {"no column is named", "kind"}, "kind");
  expect("csv", "b.csv", "1,2,0\n", {"label_column", "3", "from 0 to 2"}, "3");
}
TEST_F(BadData, Labels) {
  expect("csv", "empty.csv", "1,2,0\n3,4,\n", {"line 2", "label \"\""});
  expect("csv", "nan.csv", "1,2,0\n3,4,nan\n", {"line 2", "label \"nan\"", "finite"});
  expect("csv", "none.csv", "1,2\n3,4\n", {"line 1", "label \"\""}, "none");
  const Source words{.path = folder_.write("words.csv", "1,2,0.5\n3,4,high\n"), .format = "csv", .labels = {}};
  expect_source(words, {"line 2", "target \"high\"", "expected a finite number"}, ExitCode::bad_data, TargetKind::numbers);
  const Source infinite{.path = folder_.write("inf.csv", "1,2,0.5\n3,4,inf\n"), .format = "csv", .labels = {}};
  expect_source(infinite, {"line 2", "target \"inf\"", "a finite number"}, ExitCode::bad_data, TargetKind::numbers);
}

// --------------------------------------------------------------------------------------------------------------- libsvm

TEST_F(BadData, LibsvmIndices) {
  expect("libsvm", "zero.svm", "1 1:1\n0 0:1\n", {"line 2", "index 0", "from 1"});
  expect("libsvm", "negative.svm", "1 1:1\n0 -3:1\n", {"line 2", "index -3", "from 1"});
  expect("libsvm", "order.svm", "# x\n1 3:1 2:1\n", {"line 2", "index 2 after index 3", "ascending"});
  expect("libsvm", "twice.svm", "1 3:1 3:1\n", {"line 1", "index 3 after index 3", "ascending"});
  expect("libsvm", "huge.svm", "1 3000000000:1\n", {"line 1", "index 3000000000", "from 1 to 2147483647"});
  expect("libsvm", "giant.svm", "1 99999999999999999999:1\n", {"line 1", "index 99999999999999999999", "from 1 to 2147483647"});
}
TEST_F(BadData, LibsvmWords) {
  expect("libsvm", "pair.svm", "1 1:1\n1 2\n", {"line 2", "\"2\"", "index:value"});
  expect("libsvm", "value.svm", "1 1:x\n", {"line 1", "\"1:x\"", "index:value"});
  expect("libsvm", "index.svm", "1 a:1\n", {"line 1", "\"a:1\"", "index:value"});
  expect("libsvm", "label.svm", "1 1:1\n2:1 3:1\n", {"line 2", "\"2:1\" as the label", "expected a number"});
  expect("libsvm", "nothing.svm", "1\n0\n", {"no features"});
}

// ------------------------------------------------------------------------------------------------------------------ idx

class BadIdx : public BadData {
 protected:
  void expect_pair(const std::string& images, const std::string& labels, const std::vector<std::string>& pieces,
                   ExitCode code = ExitCode::bad_data) const {
    const auto file = folder_.write("t-images-idx3-ubyte", images);
    folder_.write("t-labels-idx1-ubyte", labels);
    expect_error([&] { load_alone<float>(config_for({.path = file, .format = "idx", .labels = {}})); }, code, pieces);
  }
  const std::string images_ = idx({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const std::string labels_ = idx({2}, {0, 1});
};

TEST_F(BadIdx, Truncated) {
  expect_pair(images_.substr(0, 21), labels_, {"t-images-idx3-ubyte", "record 1", "found 5 bytes", "expected 8"});
  expect_pair(gzipped(images_.substr(0, 21)), labels_, {"t-images-idx3-ubyte", "record 1", "found 5 bytes", "expected 8"});
  expect_pair(images_, labels_.substr(0, 9), {"t-labels-idx1-ubyte", "record 1", "found 1 bytes", "expected 2"});
  expect_pair(images_.substr(0, 10), labels_, {"t-images-idx3-ubyte", "header is cut off"});
}
TEST_F(BadIdx, TooLong) {
  expect_pair(images_ + "x", labels_, {"t-images-idx3-ubyte", "behind the last of 2 records"});
  expect_pair(images_, labels_ + "x", {"t-labels-idx1-ubyte", "behind the last of 2 records"});
}
TEST_F(BadIdx, BadMagic) {
  expect_pair("PNG, really", labels_, {"t-images-idx3-ubyte", "not an IDX file", "50 4e 47"});
  expect_pair(images_, "12345678", {"t-labels-idx1-ubyte", "not an IDX file", "31 32 33 34"});
  expect_pair(std::string("\0\0\x0d\x03", 4) + images_.substr(4), labels_, {"t-images-idx3-ubyte", "type 0x0d", "0x08"});
}
TEST_F(BadIdx, WrongDimensions) {
  // No records of any length: no memory is allocated for them.
  expect_pair(idx({0, 40000, 40000}, {}), labels_, {"t-images-idx3-ubyte", "no records"});
  expect_pair(labels_, labels_, {"t-images-idx3-ubyte", "1 dimensions", "2 to 4"});
  expect_pair(images_, images_, {"t-labels-idx1-ubyte", "3 dimensions", "expected 1"});
  expect_pair(idx({2, 0xffffffff, 0xffffffff}, {}), labels_,
              {"t-images-idx3-ubyte", "2 x 4294967295 x 4294967295", "2147483647"});
  expect_pair(idx({2, 0, 2}, {}), labels_, {"t-images-idx3-ubyte", "2 x 0 x 2"});
}
TEST_F(BadIdx, CountsDiffer) {
  expect_pair(images_, idx({3}, {0, 1, 2}), {"t-labels-idx1-ubyte", "found 3 labels", "expected 2", "t-images-idx3-ubyte"});
}
TEST_F(BadIdx, LabelsMissing) {
  const auto alone = folder_.write("u-images-idx3-ubyte", images_);
  expect_error([&] { load_alone<float>(config_for({.path = alone, .format = "idx", .labels = {}})); }, ExitCode::input_missing,
               {"u-labels-idx1-ubyte"});
  const auto nameless = folder_.write("pixels.idx", images_);
  expect_error([&] { load_alone<float>(config_for({.path = nameless, .format = "idx", .labels = {}})); }, ExitCode::bad_config,
               {"pixels.idx", "labels"});
}

// ------------------------------------------------------------------------------------------------------------------ npy

TEST_F(BadData, NpyHeaders) {
  const std::vector<float> six(6, 1.0F);
  expect("npy", "text.npy", "1,2,3\n4,5,6\n", {"no NPY array"});
  expect("npy", "version.npy", npy<float>("<f4", "(2, 3)", six, 9), {"version 9", "1 to 3"});
  expect("npy", "big.npy", npy<float>(">f4", "(2, 3)", six), {"type >f4", "little-endian"});
  expect("npy", "words.npy", npy<float>("<U1", "(2, 3)", six), {"type <U1"});
  expect("npy", "minus.npy", npy<float>("<f4", "(2, -3)", six), {"its NPY header", "-3", "not negative"});
  expect("npy", "dots.npy", npy<float>("<f4", "(2, 3.5)", six), {"its NPY header", ".5", "expected )"});
  expect("npy", "fortran.npy", npy<float>("<f4", "(2, 3)", six, 1, true), {"Fortran order", "C order"});
  expect("npy", "scalar.npy", npy<float>("<f4", "()", {1}), {"a single number", "an array"});
  expect("npy", "cut.npy", npy<float>("<f4", "(2, 3)", six).substr(0, 30), {"header is cut off"});
  expect("npy", "room.npy", npy<float>("<f4", "(2, 500000000)", six), {"expected room for a record of 2000000000"});
  expect("npy", "room.npy.gz", gzipped(npy<float>("<f4", "(2, 500000000)", six)), {"of gzip", "a record of 2000000000"});
  expect("npy", "shape.npy", npy<float>("<f4", "(2, 9999999999, 9999999999)", {}), {"9999999999 x 9999999999"});
  expect("npy", "flat.npy", npy<float>("<f4", "(6,)", six), {"1 column", "labels"});
}
TEST_F(BadData, NpyContent) {
  const std::vector<float> six(6, 1.0F);
  const std::string good = npy<float>("<f4", "(2, 3)", six);
  expect("npy", "short.npy", good.substr(0, good.size() - 4), {"record 1", "found 20 bytes", "expected 24"});
  expect("npy", "long.npy", good + "x", {"behind the last of 2 records"});
  expect("npy", "column.npy", good, {"label_column", "\"3\"", "from 0 to 2"}, "3");
  expect("npy", "nan.npy", npy<float>("<f4", "(2, 3)", {1, 2, 0, 1, NAN, 1}), {"record 1", "nan", "feature 1", "finite"});
  const auto labels = folder_.write("y.npy", npy<float>("<f4", "(3,)", {0, 1, 1}));
  const Source source{.path = folder_.write("x.npy", good), .format = "npy", .labels = labels};
  expect_source(source, {labels.string(), "3 x 1 labels", "2 x 1"});
}

// -------------------------------------------------------------------------------------------------- numbers, other parts

TEST_F(BadData, NumbersThatAreNotFinite) {
  expect("csv", "nan.csv", "1,2,0\n1,nan,1\n", {"line 2", "nan as feature 1", "finite"});
  expect("csv", "inf.csv", "1,2,0\n-inf,1,1\n", {"line 2", "-inf as feature 0", "finite"});
  expect("libsvm", "inf.svm", "1 1:1\n0 2:1 7:inf\n", {"line 2", "inf as feature 6", "finite"});
}
TEST_F(BadData, NumbersThatThePrecisionCannotHold) {
  const auto config = config_for({.path = folder_.write("big.csv", "1,2,0\n1,1e200,1\n"), .format = "csv", .labels = {}});
  expect_error([&] { load_alone<float>(config); }, ExitCode::bad_data, {"big.csv", "line 2", "1e+200 as feature 1", "3.4e+38"});
  EXPECT_EQ(record_of(load_alone<double>(config).train, 1)[1], 1e200);
}
TEST_F(BadData, TestPartsThatDoNotFit) {
  expect_test_part("csv", "1,2,0\n2,1,1\n", "3,4,1\n1,2,7\n", {"line 2", "label \"7\"", "2 classes", "0, 1"});
  expect_test_part("csv", "1,2,0\n2,1,1\n", "1,0\n", {"line 1", "1 features", "expected 2"});
  expect_test_part("libsvm", "0 1:1\n1 4:1\n", "0 1:1\n1 2:1 5:1\n", {"line 2", "index 5", "at most 4"});
  expect_test_part("libsvm", "-1 1:1\n1 4:1\n", "0 1:1\n", {"line 1", "label \"0\"", "-1, 1"});
}
TEST_F(BadData, SparseAndDenseParts) {
  DataConfig config = config_for({.path = folder_.write("a.csv", "1,2,0\n2,1,1\n"), .format = "csv", .labels = {}});
  config.valid = Source{.path = folder_.write("a.svm", "0 1:1\n"), .format = "libsvm", .labels = {}};
  expect_error([&] { load_alone<double>(config); }, ExitCode::bad_data, {"a.svm", "found sparse", "expected dense"});
}
TEST_F(BadData, OutsideTheStoredModel) {
  const Fixed fixed{.features = 2, .classes = {"0", "1"}, .transform = {.kind = "minmax", .shift = {0, 0}, .scale = {1, 1}}};
  const auto load_file = [&](const std::string& format, const std::string& name, const std::string& text) {
    load_with<double>({.path = folder_.write(name, text), .format = format, .labels = {}}, TargetKind::classes, fixed, 0, 1);
  };
  expect_error([&] { load_file("csv", "a.csv", "1,2,0\n1,2,9\n"); }, ExitCode::bad_data,
               {"a.csv", "line 2", "label \"9\"", "0, 1"});
  expect_error([&] { load_file("csv", "b.csv", "1,2,3,0\n"); }, ExitCode::bad_data,
               {"b.csv", "line 1", "3 features", "expected 2"});
  expect_error([&] { load_file("libsvm", "c.svm", "0 1:1\n"); }, ExitCode::bad_data, {"c.svm", "sparse", "minmax"});
}
TEST_F(BadData, UnknownFormat) {
  const Source source{.path = folder_.write("a.csv", "1,0\n"), .format = "xls", .labels = {}};
  expect_error([&] { load_alone<double>(config_for(source)); }, ExitCode::bad_config,
               {"format", "xls", "idx, libsvm, csv, npy"});
}

}  // namespace
}  // namespace talweg::data
