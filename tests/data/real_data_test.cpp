// SPDX-License-Identifier: Apache-2.0
// The shipped digits, and MNIST and a9a if the folder TALWEG_DATA has them.
#include <chrono>
#include <cstdlib>
#include <numeric>

#include "tests/data/support.hpp"
#include "tests/support/source.hpp"

namespace talweg::data {
namespace {

std::filesystem::path real_file(const std::string& name) {
  const char* folder = std::getenv("TALWEG_DATA");
  return std::filesystem::path(folder == nullptr ? "TALWEG_DATA" : folder) / name;
}

#define TALWEG_NEEDS(file) \
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "not at hand: " << (file).string() << " (name its folder in TALWEG_DATA)"

template <class Real>
double total(const Dataset<Real>& data) {
  return std::accumulate(data.dense.data(), data.dense.data() + data.dense.size(), 0.0);
}

TEST(Digits, AreShipped) {
  const auto file = test::source() / "configs/data/digits.csv.gz";
  const auto parts = load_alone<float>(config_for({.path = file, .format = "csv", .labels = {}}));
  EXPECT_EQ(parts.train.shape().count, 1797U);
  EXPECT_EQ(parts.train.shape().features, 64U);
  EXPECT_EQ(parts.train.shape().classes, (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(total(parts.train), 561718.0);
  const auto first = record_of(parts.train, 0);
  EXPECT_EQ(std::vector<double>(first.begin(), first.begin() + 8), (std::vector<double>{0, 0, 5, 13, 9, 1, 0, 0}));
  EXPECT_EQ(first.back(), 0);
}

TEST(Mnist, TestImages) {
  const auto file = real_file("mnist-t10k-images-idx3-ubyte.gz");
  TALWEG_NEEDS(file);
  DataConfig config = config_for({.path = file, .format = "idx", .labels = {}});
  const auto start = std::chrono::steady_clock::now();
  const auto parts = load_alone<float>(config);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", static_cast<int>(1000 * seconds.count()));
  EXPECT_EQ(parts.train.shape().count, 10000U);
  EXPECT_EQ(parts.train.shape().features, 784U);
  EXPECT_EQ(parts.train.shape().classes.size(), 10U);
  EXPECT_EQ(record_of(parts.train, 0).back(), 7);  // the well-known first labels
  EXPECT_EQ(record_of(parts.train, 1).back(), 2);
  EXPECT_EQ(record_of(parts.train, 2).back(), 1);
  EXPECT_NEAR(total(parts.train) / 7840000 / 255, 0.13251, 1e-5);
}

TEST(Adult, TrainAndTest) {
  const auto train = real_file("a9a.gz");
  TALWEG_NEEDS(train);
  const auto test = real_file("a9a.t.gz");
  TALWEG_NEEDS(test);
  DataConfig config = config_for({.path = train, .format = "libsvm", .labels = {}});
  config.test = Source{.path = test, .format = "libsvm", .labels = {}};
  const auto parts = load_alone<double>(config);
  // The published file has 32 561 records; there are also copies without the one record that has feature 123.
  ASSERT_TRUE(parts.train.rows() == 32561 || parts.train.rows() == 32560) << parts.train.rows();
  const std::size_t features = parts.train.rows() == 32561 ? 123 : 122;
  EXPECT_EQ(parts.train.shape().features, features);
  EXPECT_EQ(parts.test->shape().features, features);
  EXPECT_EQ(parts.test->shape().count, 16281U);
  EXPECT_EQ(parts.train.shape().classes.size(), 2U);
  for (const double v : parts.train.value) ASSERT_EQ(v, 1.0);
}

}  // namespace
}  // namespace talweg::data
