// SPDX-License-Identifier: Apache-2.0
// The same four records through every format, plain and gzipped, in both precisions.
#include "tests/data/support.hpp"

namespace talweg::data {
namespace {

using Rows = std::vector<std::vector<double>>;  // features, then the class index
const Rows kRows = {{1, 0, 255, 1}, {0, 7, 3, 0}, {12, 0, 0, 2}, {200, 100, 50, 1}};
const std::vector<std::string> kClasses = {"3", "5", "12"};  // by value, not by text

struct Written {
  std::string name;
  Source source;
};

/// The four records in every format, below `folder`; each file is written through `pack`.
std::vector<Written> write_all(const Folder& folder, const std::string& ending,
                               const std::function<std::string(std::string_view)>& pack) {
  std::string csv, libsvm;
  std::vector<int> pixels, labels;
  std::vector<float> floats;
  std::vector<double> matrix;
  std::vector<std::int64_t> names;
  for (const auto& row : kRows) {
    const std::string& label = kClasses[static_cast<std::size_t>(row[3])];
    csv += fmt::format("{},{},{},{}\n", row[0], row[1], row[2], label);
    libsvm += "+" + label;
    for (int j = 0; j < 3; ++j) {
      if (row[static_cast<std::size_t>(j)] != 0) libsvm += fmt::format(" {}:{}", j + 1, row[static_cast<std::size_t>(j)]);
      pixels.push_back(static_cast<int>(row[static_cast<std::size_t>(j)]));
      floats.push_back(static_cast<float>(row[static_cast<std::size_t>(j)]));
      matrix.push_back(row[static_cast<std::size_t>(j)]);
    }
    libsvm += "\n";
    labels.push_back(std::stoi(label));
    names.push_back(std::stoi(label));
    matrix.push_back(std::stod(label));
  }
  const auto put = [&](const std::string& name, const std::string& text) { return folder.write(name + ending, pack(text)); };
  std::vector<Written> all;
  all.push_back({"csv", {.path = put("a.csv", csv), .format = "csv", .labels = {}}});
  all.push_back({"libsvm", {.path = put("a.svm", libsvm), .format = "libsvm", .labels = {}}});
  put("a-labels-idx1-ubyte", idx({4}, labels));
  all.push_back(
      {"idx, labels guessed", {.path = put("a-images-idx3-ubyte", idx({4, 1, 3}, pixels)), .format = "idx", .labels = {}}});
  all.push_back(
      {"idx, labels given",
       {.path = put("pixels.idx", idx({4, 3}, pixels)), .format = "idx", .labels = put("names.idx", idx({4}, labels))}});
  all.push_back({"npy float32",
                 {.path = put("x.npy", npy<float>("<f4", "(4, 3)", floats)),
                  .format = "npy",
                  .labels = put("y.npy", npy<std::int64_t>("<i8", "(4,)", names))}});
  all.push_back({"npy float64, label in a column",
                 {.path = put("xy.npy", npy<double>("<f8", "(4, 4)", matrix, 2)), .format = "npy", .labels = {}}});
  return all;
}

template <class Real>
class Formats : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Formats, Reals);

TYPED_TEST(Formats, PlainAndGzippedGiveTheSameRecords) {
  std::string digest;
  for (const bool gzip : {false, true}) {
    const Folder folder;
    for (const auto& [name, source] : write_all(
             folder, gzip ? ".gz" : "", [&](std::string_view text) { return gzip ? gzipped(text) : std::string(text); })) {
      SCOPED_TRACE(name + (gzip ? ".gz" : ""));
      const auto parts = load_alone<TypeParam>(config_for(source));
      ASSERT_EQ(parts.train.rows(), kRows.size());
      EXPECT_EQ(parts.train.shape().count, kRows.size());
      EXPECT_EQ(parts.train.shape().features, 3U);
      EXPECT_EQ(parts.train.shape().classes, kClasses);
      EXPECT_EQ(parts.train.shape().sparse, name == "libsvm");
      for (std::size_t i = 0; i < kRows.size(); ++i) EXPECT_EQ(record_of(parts.train, i), kRows[i]) << "record " << i;
      if (name != "csv") continue;
      if (gzip) {
        EXPECT_EQ(parts.fingerprint, digest) << "gzip changes the fingerprint";
      }
      digest = parts.fingerprint;
    }
  }
}

TYPED_TEST(Formats, NumbersAreReadToTheLastBit) {
  const Folder folder;
  const std::string text = "0.1,-1e-3,+2.5E2,0\n3.4028234e38,1.1754944e-38,0.333333333333333314829616256247,1\n";
  const auto train =
      load_alone<TypeParam>(config_for({.path = folder.write("a.csv", text), .format = "csv", .labels = {}})).train;
  const Rows expected = {{0.1, -1e-3, 250, 0}, {3.4028234e38, 1.1754944e-38, 1.0 / 3, 1}};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto record = record_of(train, i);
    for (std::size_t j = 0; j < 3; ++j)
      EXPECT_EQ(record[j], static_cast<double>(static_cast<TypeParam>(expected[i][j]))) << i << ' ' << j;
  }
}

template <class T>
std::vector<double> npy_column(std::string_view type) {
  const Folder folder;
  const auto rows =
      folder.write("x.npy", npy<T>(type, "(3, 1)", {static_cast<T>(1), static_cast<T>(2), static_cast<T>(100)}, 3));
  const auto labels = folder.write("y.npy", npy<std::uint8_t>("|u1", "(3,)", {0, 1, 1}));
  const auto data = load_alone<double>(config_for({.path = rows, .format = "npy", .labels = labels})).train;
  return {record_of(data, 0)[0], record_of(data, 1)[0], record_of(data, 2)[0]};
}

TEST(Npy, EveryElementTypeIsRead) {
  const std::vector<double> expected = {1, 2, 100};
  EXPECT_EQ(npy_column<float>("<f4"), expected);
  EXPECT_EQ(npy_column<double>("<f8"), expected);
  EXPECT_EQ(npy_column<std::uint8_t>("|u1"), expected);
  EXPECT_EQ(npy_column<std::int8_t>("|i1"), expected);
  EXPECT_EQ(npy_column<std::uint16_t>("<u2"), expected);
  EXPECT_EQ(npy_column<std::int16_t>("<i2"), expected);
  EXPECT_EQ(npy_column<std::uint32_t>("<u4"), expected);
  EXPECT_EQ(npy_column<std::int32_t>("<i4"), expected);
  EXPECT_EQ(npy_column<std::uint64_t>("<u8"), expected);
  EXPECT_EQ(npy_column<std::int64_t>("<i8"), expected);
}

TEST(Npy, TheLabelMayBeAnyColumn) {
  const Folder folder;
  const auto file = folder.write("x.npy", npy<float>("<f4", "(2, 3)", {8, 1, 2, 9, 3, 4}));
  for (const auto& [column, expected] : std::vector<std::pair<std::string, Rows>>{{"first", {{1, 2, 0}, {3, 4, 1}}},
                                                                                  {"0", {{1, 2, 0}, {3, 4, 1}}},
                                                                                  {"1", {{8, 2, 0}, {9, 4, 1}}},
                                                                                  {"last", {{8, 1, 0}, {9, 3, 1}}}}) {
    const auto data =
        load_alone<float>(config_for({.path = file, .format = "npy", .labels = {}, .label_column = column})).train;
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(record_of(data, i), expected[i]) << column;
  }
}

/// Records of a CSV text, in the order of the file.
Rows csv_rows(const std::string& text, const std::string& label_column = "last", std::vector<std::string>* classes = nullptr) {
  const Folder folder;
  const auto data =
      load_alone<double>(
          config_for({.path = folder.write("a.csv", text), .format = "csv", .labels = {}, .label_column = label_column}))
          .train;
  if (classes != nullptr) *classes = data.shape().classes;
  Rows rows;
  for (std::size_t i = 0; i < data.rows(); ++i) rows.push_back(record_of(data, i));
  return rows;
}

TEST(Csv, TheLabelColumnMayBeAnyOne) {
  const Rows first = {{1, 2, 0}, {3, 4, 1}};
  EXPECT_EQ(csv_rows("8,1,2\n9,3,4\n", "first"), first);
  EXPECT_EQ(csv_rows("8,1,2\n9,3,4\n", "0"), first);
  EXPECT_EQ(csv_rows("1,8,2\n3,9,4\n", "1"), first);
  EXPECT_EQ(csv_rows("1,2,8\n3,4,9\n", "last"), first);
  EXPECT_EQ(csv_rows("a,kind,b\n1,8,2\n3,9,4\n", "kind"), first);
}

TEST(Csv, AHeaderIsFound) {
  const Rows expected = {{1, 2, 0}, {3, 4, 1}};
  EXPECT_EQ(csv_rows("1,2,8\n3,4,9\n"), expected);
  EXPECT_EQ(csv_rows("a,b,kind\n1,2,8\n3,4,9\n"), expected);
  EXPECT_EQ(csv_rows("\"a\",\"b\",\"kind\"\r\n1,2,8\r\n3,4,9\r\n"), expected);
  EXPECT_EQ(csv_rows("\xEF\xBB\xBF"
                     "a,b,kind\n1,2,8\n3,4,9\n"),
            expected)
      << "byte order mark";
  EXPECT_EQ(csv_rows("0,1,target\n1,2,8\n3,4,9\n"), expected) << "columns named by number";
}

TEST(Csv, AWordAsTheFirstLabelIsNoHeader) {
  std::vector<std::string> classes;
  EXPECT_EQ(csv_rows("1,2,setosa\n3,4,virginica\n5,6,setosa\n", "last", &classes), (Rows{{1, 2, 0}, {3, 4, 1}, {5, 6, 0}}));
  EXPECT_EQ(classes, (std::vector<std::string>{"setosa", "virginica"}));
}

TEST(Csv, OtherSeparatorsBlanksAndEmptyLines) {
  const Rows expected = {{1, 2, 0}, {3, 4, 1}};
  EXPECT_EQ(csv_rows("1;2;8\n3;4;9"), expected);
  EXPECT_EQ(csv_rows("1\t2\t8\n3\t4\t9\n"), expected);
  EXPECT_EQ(csv_rows("1 , 2, 8\n\n \n3,4 ,9\n\n"), expected);
}

TEST(Libsvm, CommentsBlanksAndEmptyRecords) {
  const Folder folder;
  const auto file = folder.write("a.svm", "# made by hand\n-1 2:0.5  4:1e1 # note\n\n+1\t1:3\n+1\n");
  const auto data = load_alone<double>(config_for({.path = file, .format = "libsvm", .labels = {}})).train;
  EXPECT_EQ(data.shape().classes, (std::vector<std::string>{"-1", "1"}));
  EXPECT_EQ(data.shape().features, 4U);
  EXPECT_EQ(record_of(data, 0), (std::vector<double>{0, 0.5, 0, 10, 0}));
  EXPECT_EQ(record_of(data, 1), (std::vector<double>{3, 0, 0, 0, 1}));
  EXPECT_EQ(record_of(data, 2), (std::vector<double>{0, 0, 0, 0, 1}));
}

TEST(Lines, LongerThanTheBufferAreRead) {
  const std::size_t features = 200000;  // 400 kB a line
  std::string text;
  for (int i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < features; ++j) text += std::to_string((j + static_cast<std::size_t>(i)) % 10) + ",";
    text += std::to_string(i) + "\n";
  }
  const Rows rows = csv_rows(text);
  ASSERT_EQ(rows.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < features; ++j) ASSERT_EQ(rows[i][j], static_cast<double>((i + j) % 10));
  }
}

}  // namespace
}  // namespace talweg::data
