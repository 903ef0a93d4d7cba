// SPDX-License-Identifier: Apache-2.0
// Splits, shares, transforms, labels and fingerprints.
#include <algorithm>
#include <cmath>
#include <set>

#include "tests/data/support.hpp"

namespace talweg::data {
namespace {

/// 1000 dense records of 4 features, the third constant, in 3 classes.
std::string dense_text(int records = 1000) {
  std::string text;
  for (int i = 0; i < records; ++i) text += fmt::format("{},{},7,{},{}\n", i, 0.25 * (i % 13) - 1, i * i % 17, i % 3);
  return text;
}
std::string sparse_text(int records = 1000) {
  std::string text;
  for (int i = 0; i < records; ++i)
    text += fmt::format("{} {}:{} {}:{}\n", i % 2 == 0 ? "-1" : "+1", 1 + i % 5, i, 7 + i % 4, 0.5 * i);
  return text;
}
Source csv(const Folder& folder, const std::string& name, const std::string& text) {
  return {.path = folder.write(name, text), .format = "csv", .labels = {}};
}
Source libsvm(const Folder& folder, const std::string& name, const std::string& text) {
  return {.path = folder.write(name, text), .format = "libsvm", .labels = {}};
}

template <class Real>
class Loading : public testing::Test {
 protected:
  Folder folder_;
};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Loading, Reals);

/// Rows of all ranks one after another are the rows of one rank; facts are the same everywhere.
template <class Real>
void expect_shares(const Dataset<Real>& whole, const std::vector<const Dataset<Real>*>& shares) {
  std::size_t at = 0;
  for (const Dataset<Real>* share : shares) {
    EXPECT_EQ(share->shape().count, whole.shape().count);
    EXPECT_EQ(share->shape().features, whole.shape().features);
    EXPECT_EQ(share->shape().classes, whole.shape().classes);
    for (std::size_t row = 0; row < share->rows(); ++row, ++at) {
      ASSERT_LT(at, whole.rows());
      EXPECT_EQ(share->records[row], whole.records[at]);
      EXPECT_EQ(record_of(*share, share->records[row]), record_of(whole, whole.records[at]));
    }
  }
  EXPECT_EQ(at, whole.rows());
}

TYPED_TEST(Loading, RanksPartitionEveryPartAndAgreeOnTheRest) {
  for (const bool sparse : {false, true}) {
    DataConfig config =
        config_for(sparse ? libsvm(this->folder_, "t.svm", sparse_text()) : csv(this->folder_, "t.csv", dense_text()));
    config.test = sparse ? libsvm(this->folder_, "e.svm", sparse_text(150)) : csv(this->folder_, "e.csv", dense_text(150));
    config.holdout = 0.3;
    config.transform = sparse ? "divide:4" : "standardize";
    const auto whole = load_alone<TypeParam>(config);
    EXPECT_EQ(whole.train.rows(), 700U);
    EXPECT_EQ(whole.valid->rows(), 300U);
    EXPECT_EQ(whole.test->rows(), 150U);
    for (const int ranks : {2, 3, 5, 20}) {
      std::vector<Parts<TypeParam>> shares;
      for (int r = 0; r < ranks; ++r) shares.push_back(load<TypeParam>(config, TargetKind::classes, r, ranks, base::Log()));
      std::vector<const Dataset<TypeParam>*> train, valid, test;
      for (const auto& share : shares) {
        EXPECT_EQ(share.fingerprint, whole.fingerprint);
        EXPECT_EQ(share.transform.shift, whole.transform.shift);
        EXPECT_EQ(share.transform.scale, whole.transform.scale);
        train.push_back(&share.train);
        valid.push_back(&*share.valid);
        test.push_back(&*share.test);
      }
      expect_shares(whole.train, train);
      expect_shares(*whole.valid, valid);
      expect_shares(*whole.test, test);
    }
  }
}

TYPED_TEST(Loading, TheHoldoutIsTheTailOfThePermutation) {
  DataConfig config = config_for(csv(this->folder_, "t.csv", dense_text()));
  config.holdout = 0.2;
  config.split_seed = 11;
  const auto parts = load_alone<TypeParam>(config);
  const base::Permutation pi(1000, 11, base::Purpose::split);
  for (std::uint64_t record = 0; record < 1000; ++record) {
    if (pi(record) < 800) {
      EXPECT_EQ(row_of(parts.train, record), pi(record));
    } else {
      EXPECT_EQ(row_of(*parts.valid, record), pi(record) - 800);
    }
  }
  config.split_seed = 12;
  EXPECT_NE(load_alone<TypeParam>(config).valid->records, parts.valid->records) << "split_seed does not move the holdout";
}

TYPED_TEST(Loading, EachFileHasAPermutationOfItsOwn) {
  DataConfig config = config_for(csv(this->folder_, "t.csv", dense_text(300)));
  config.valid = config.train;
  config.test = config.train;
  const auto parts = load_alone<TypeParam>(config);
  std::uint64_t stream = 0;
  for (const auto* part : {&parts.train, &*parts.valid, &*parts.test}) {
    const base::Permutation pi(300, config.split_seed, base::Purpose::split, stream++);
    for (std::uint64_t record = 0; record < 300; ++record)
      ASSERT_EQ(row_of(*part, record), pi(record)) << "part " << stream - 1;
  }
}

TEST(Holdout, TakesAtLeastOneAndLeavesAtLeastOne) {
  const Folder folder;
  DataConfig config = config_for(csv(folder, "t.csv", "1,0\n2,1\n3,0\n"));
  config.holdout = 0.01;
  const auto parts = load_alone<double>(config);
  EXPECT_EQ(parts.valid->rows(), 1U);
  EXPECT_EQ(parts.train.rows(), 2U);
  config.train = csv(folder, "one.csv", "1,0\n");
  expect_error([&] { load_alone<double>(config); }, base::ExitCode::bad_data, {"one.csv", "holdout", "1 record"});
}

TYPED_TEST(Loading, TransformsTakeTheirStatisticsFromTheTrainingPart) {
  for (const std::string kind : {"minmax", "standardize"}) {
    DataConfig config = config_for(csv(this->folder_, "t.csv", dense_text()));
    config.holdout = 0.4;
    const auto raw = load_alone<double>(config);
    config.transform = kind;
    const auto parts = load_alone<TypeParam>(config);
    ASSERT_EQ(parts.transform.kind, kind);
    for (std::size_t j = 0; j < 4; ++j) {
      double low = INFINITY, high = -INFINITY, mean = 0, square = 0;
      for (std::size_t row = 0; row < 600; ++row) {
        const double x = raw.train.dense[row * 4 + j];
        low = std::min(low, x), high = std::max(high, x);
        mean += x / 600, square += x * x / 600;
      }
      const double deviation = std::sqrt(std::max(0.0, square - mean * mean));
      const double shift = kind == "minmax" ? low : mean;
      const double width = kind == "minmax" ? high - low : deviation;
      EXPECT_NEAR(parts.transform.shift[j], shift, 1e-9 * (1 + std::abs(shift))) << kind << ' ' << j;
      EXPECT_NEAR(parts.transform.scale[j], j == 2 ? 1 : 1 / width, j == 2 ? 0 : 1e-9 / width) << kind << ' ' << j;
      for (const auto& [part, before] : {std::pair{&parts.train, &raw.train}, std::pair{&*parts.valid, &*raw.valid}}) {
        for (std::size_t row = 0; row < part->rows(); ++row) {
          const double expected = (before->dense[row * 4 + j] - parts.transform.shift[j]) * parts.transform.scale[j];
          ASSERT_EQ(part->dense[row * 4 + j], static_cast<TypeParam>(expected)) << kind;
          if (j == 2) {
            ASSERT_EQ(part->dense[row * 4 + j], TypeParam{0}) << "a constant feature";
          }
        }
      }
    }
  }
}

TYPED_TEST(Loading, DivideScalesDenseAndSparse) {
  for (const bool sparse : {false, true}) {
    DataConfig config =
        config_for(sparse ? libsvm(this->folder_, "t.svm", sparse_text()) : csv(this->folder_, "t.csv", dense_text()));
    const auto raw = load_alone<double>(config);
    config.transform = "divide:16";
    const auto parts = load_alone<TypeParam>(config);
    EXPECT_EQ(parts.transform.kind, "divide");
    EXPECT_TRUE(parts.transform.shift.empty());
    for (const std::uint64_t record : {0, 3, 999}) {
      auto expected = record_of(raw.train, record);
      for (std::size_t j = 0; j + 1 < expected.size(); ++j) expected[j] /= 16;
      EXPECT_EQ(record_of(parts.train, record), expected);
    }
  }
}

TEST(Transforms, ThatShiftAreRefusedForSparseData) {
  const Folder folder;
  DataConfig config = config_for(libsvm(folder, "t.svm", sparse_text()));
  for (const std::string kind : {"minmax", "standardize"}) {
    config.transform = kind;
    expect_error([&] { load_alone<double>(config); }, base::ExitCode::bad_config, {"data.transform", kind, "t.svm", "zeros"});
  }
}

TEST(Labels, AreSortedByValueWhenAllAreNumbers) {
  const Folder folder;
  const auto classes = [&](const std::string& labels) {
    std::string text;
    for (const char c : labels) text += c == ' ' ? "\n1," : std::string(1, c);
    return load_alone<double>(config_for(csv(folder, "l.csv", "1," + text + "\n"))).train.shape().classes;
  };
  EXPECT_EQ(classes("10 9 +9 -1 9.0"), (std::vector<std::string>{"-1", "9", "10"}));
  EXPECT_EQ(classes("0 1 1 0"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(classes("cat 10 9 ant"), (std::vector<std::string>{"10", "9", "ant", "cat"}));
}

TYPED_TEST(Loading, NumericTargetsStayNumbers) {
  const auto parts =
      load_alone<TypeParam>(config_for(csv(this->folder_, "t.csv", "1,0.5\n2,-3e2\n3,7\n")), TargetKind::numbers);
  EXPECT_TRUE(parts.train.shape().classes.empty());
  EXPECT_EQ(record_of(parts.train, 0).back(), 0.5);
  EXPECT_EQ(record_of(parts.train, 1).back(), -300);
  EXPECT_EQ(record_of(parts.train, 2).back(), 7);
}

TEST(Fingerprint, FollowsTheRecordsAndNothingElse) {
  const Folder folder;
  DataConfig config = config_for(csv(folder, "a.csv", "1,2,0\n3,4,1\n5,6,0\n"));
  const std::string digest = load_alone<float>(config).fingerprint;
  EXPECT_EQ(digest.size(), 32U);
  EXPECT_EQ(load_alone<double>(config).fingerprint, digest) << "precision";
  config.transform = "minmax", config.holdout = 0.3, config.split_seed = 9;
  EXPECT_EQ(load_alone<float>(config).fingerprint, digest) << "split and transform";
  std::set<std::string> others = {digest};
  for (const std::string text : {"1,2,0\n3,4,1\n5,7,0\n", "1,2,0\n3,4,1\n5,6,1\n", "3,4,1\n1,2,0\n5,6,0\n", "1,2,0\n3,4,1\n",
                                 "1,2,0\n3,4,1\n5,6,0\n5,6,0\n"}) {
    EXPECT_TRUE(others.insert(load_alone<float>(config_for(csv(folder, "b.csv", text))).fingerprint).second) << text;
  }
  config.holdout = 0, config.test = csv(folder, "c.csv", "1,2,0\n");
  EXPECT_TRUE(others.insert(load_alone<float>(config).fingerprint).second) << "the test part is not in the fingerprint";
}

TEST(LoadWith, SeesTheDataAsTheStoredModelDoes) {
  const Folder folder;
  const Fixed fixed{
      .features = 2, .classes = {"3", "5", "12"}, .transform = {.kind = "minmax", .shift = {1, 2}, .scale = {0.5, 4}}};
  const auto data = load_with<double>(csv(folder, "n.csv", "3,4,12\n5,6,3\n"), TargetKind::classes, fixed, 0, 1);
  EXPECT_EQ(data.shape().classes, fixed.classes);
  EXPECT_EQ(record_of(data, 0), (std::vector<double>{1, 8, 2}));
  EXPECT_EQ(record_of(data, 1), (std::vector<double>{2, 16, 0}));
}

TEST(LoadWith, SparseFilesMayShowFewerFeatures) {
  const Folder folder;
  const Fixed fixed{.features = 9, .classes = {"-1", "1"}, .transform = {}};
  const auto data = load_with<double>(libsvm(folder, "n.svm", "+1 2:5\n"), TargetKind::classes, fixed, 0, 1);
  EXPECT_EQ(data.shape().features, 9U);
  EXPECT_EQ(record_of(data, 0), (std::vector<double>{0, 5, 0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(LoadWith, LabelsNeedNotBeThereToPredict) {
  const Folder folder;
  const Fixed fixed{.features = 2, .classes = {"0", "1"}, .transform = {}};
  const auto expect = [&](const Source& source) {
    const auto data = load_with<double>(source, TargetKind::classes, fixed, 0, 1, Labels::ignored);
    EXPECT_EQ(record_of(data, 0), (std::vector<double>{3, 4, 0}));
    EXPECT_EQ(record_of(data, 1), (std::vector<double>{5, 6, 0}));
  };
  expect(csv(folder, "bare.csv", "3,4\n5,6\n"));
  expect(csv(folder, "labelled.csv", "3,4,1\n5,6,99\n"));
  expect(csv(folder, "words.csv", "3,4,unknown\n5,6,unknown\n"));
  Source named = csv(folder, "named.csv", "a,b\n3,4\n5,6\n");
  named.label_column = "kind";
  expect(named);
  expect({.path = folder.write("x.npy", npy<float>("<f4", "(2, 2)", {3, 4, 5, 6})), .format = "npy", .labels = {}});
  expect({.path = folder.write("x-images-idx3-ubyte", idx({2, 1, 2}, {3, 4, 5, 6})), .format = "idx", .labels = {}});
}

}  // namespace
}  // namespace talweg::data
