// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.hpp"

#include "tests/data/support.hpp"

namespace talweg::data {
namespace {

/// Row i is {10 i, 10 i + 1, ...}, its target i.
template <class Real>
Dataset<Real> counted(std::uint64_t count, std::size_t features, int rank = 0, int ranks = 1, std::uint64_t seed = 1) {
  std::vector<Real> rows(count * features);
  std::vector<Real> targets(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    targets[i] = static_cast<Real>(i);
    for (std::size_t j = 0; j < features; ++j) rows[i * features + j] = static_cast<Real>(10 * i + j);
  }
  return in_memory<Real>({.count = count, .features = features, .sparse = false, .classes = {}}, rows, targets, rank, ranks,
                         seed);
}

template <class Real>
class DatasetOf : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(DatasetOf, Reals);

TYPED_TEST(DatasetOf, RanksShareTheRowsWithoutRepeatOrGap) {
  for (const int ranks : {1, 2, 3, 5, 40}) {
    std::vector<std::uint64_t> rows;
    for (int r = 0; r < ranks; ++r) {
      const auto data = counted<TypeParam>(1000, 3, r, ranks);
      EXPECT_EQ(data.rows(), data.plan().begin(data.owned().last) - data.plan().begin(data.owned().first));
      for (std::size_t row = 0; row < data.rows(); ++row) {
        const std::uint64_t record = data.records[row];
        rows.push_back(record);
        EXPECT_EQ(data.targets[row], static_cast<TypeParam>(record));
        for (std::size_t j = 0; j < 3; ++j) ASSERT_EQ(data.dense[row * 3 + j], static_cast<TypeParam>(10 * record + j));
      }
    }
    EXPECT_EQ(rows, counted<TypeParam>(1000, 3).records) << "ranks' rows one after another are the rows of one rank";
  }
}

TYPED_TEST(DatasetOf, PositionsAreTheSplitPermutation) {
  const auto data = counted<TypeParam>(500, 1, 0, 1, 7);
  const base::Permutation pi(500, 7, base::Purpose::split);
  for (std::uint64_t record = 0; record < 500; ++record) EXPECT_EQ(row_of(data, record), pi(record));
}

TYPED_TEST(DatasetOf, GatherGivesTheRowsOfThePlaces) {
  for (const std::size_t features : {1U, 3U, 16U}) {
    const auto data = counted<TypeParam>(1000, features, 1, 2);
    Gathered<TypeParam> gathered;
    const std::uint32_t shard = data.owned().first + 1;
    for (const std::vector<std::uint32_t>& places :
         {std::vector<std::uint32_t>{4, 1, 1, 60}, {0, 1, 2, 3}, {7, 8, 9}, {5}, {2, 3, 5}}) {
      const auto& view = gathered.gather(data, shard, places);
      ASSERT_EQ(view.count, places.size());
      EXPECT_EQ(view.features, features);
      EXPECT_FALSE(view.is_sparse());
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.dense) % 64, 0U) << "rows are not on a 64-byte boundary";
      const std::size_t base = data.plan().begin(shard) - data.plan().begin(data.owned().first);
      for (std::size_t i = 0; i < places.size(); ++i) {
        const std::uint64_t record = data.records[base + places[i]];
        EXPECT_EQ(view.records[i], record);
        EXPECT_EQ(view.targets[i], static_cast<TypeParam>(record));
        for (std::size_t j = 0; j < features; ++j)
          EXPECT_EQ(view.dense[i * features + j], static_cast<TypeParam>(10 * record + j));
      }
    }
    EXPECT_EQ(gathered.gather(data, shard, {}).count, 0U);
  }
}

TYPED_TEST(DatasetOf, ContiguousAlignedRowsAreNotCopied) {
  const auto data = counted<TypeParam>(1000, 16);
  Gathered<TypeParam> gathered;
  const std::vector<std::uint32_t> places = {3, 4, 5};
  EXPECT_EQ(gathered.gather(data, 2, places).dense, data.dense.data() + (data.plan().begin(2) + 3) * 16);
  const std::vector<std::uint32_t> scattered = {3, 5, 4};
  const TypeParam* copy = gathered.gather(data, 2, scattered).dense;
  EXPECT_TRUE(copy < data.dense.data() || copy >= data.dense.data() + data.dense.size());
}

TYPED_TEST(DatasetOf, BytesCountWhatIsHeld) {
  const auto data = counted<TypeParam>(1000, 3);
  EXPECT_EQ(data.bytes(), 1000 * (4 * sizeof(TypeParam) + sizeof(std::uint64_t)));
}

TYPED_TEST(DatasetOf, SparseRowsAreSeenInPlace) {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += std::to_string(i % 2) + " 1:" + std::to_string(i) + (i % 3 == 0 ? "" : " 5:" + std::to_string(2 * i)) + "\n";
  const auto parts = load_alone<TypeParam>(config_for({.path = folder.write("x.svm", text), .format = "libsvm", .labels = {}}));
  const auto& data = parts.train;
  Gathered<TypeParam> gathered;
  const std::vector<std::uint32_t> places = {9, 0, 33};
  const auto& view = gathered.gather(data, 3, places);
  ASSERT_TRUE(view.is_sparse());
  ASSERT_EQ(view.sparse.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto record = view.records[i];
    const auto& row = view.sparse[i];
    ASSERT_EQ(row.count, record % 3 == 0 ? 1U : 2U);
    EXPECT_EQ(row.column[0], 0);
    EXPECT_EQ(row.value[0], static_cast<TypeParam>(record));
    if (row.count == 2) {
      EXPECT_EQ(row.column[1], 4);
      EXPECT_EQ(row.value[1], static_cast<TypeParam>(2 * record));
    }
    EXPECT_GE(row.value, data.value.data());
    EXPECT_LT(row.value, data.value.data() + data.value.size());
    EXPECT_EQ(view.targets[i], static_cast<TypeParam>(record % 2));
  }
}

}  // namespace
}  // namespace talweg::data
