// SPDX-License-Identifier: Apache-2.0
// The newest intact checkpoint is found, old ones are removed, damaged ones never count, and no file is read more than once.
#include "io/checkpoint_store.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "tests/io/checkpoint_support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

class CheckpointStores : public Scratch {
 protected:
  std::filesystem::path file(std::int64_t step) const { return checkpoint_file(directory_, step); }
  CheckpointStore store_{directory_};
};

TEST_F(CheckpointStores, TheNewestIntactOneIsFound) {
  EXPECT_FALSE(newest_intact(directory_, warning_log()));
  EXPECT_FALSE(newest_intact(directory_ / "none", warning_log()));
  for (const std::int64_t step : {100, 200, 300, 1000000000, 40}) store_.save(sample(step));
  save_as(directory_ / "best.h5", sample(7));
  put_file(directory_ / "step-x.h5", {});
  put_file(directory_ / "step-9999999999.h5.bak", {});
  put_file(directory_ / ".step-2000000000.h5.17.tmp", {});
  auto found = newest_intact(directory_, warning_log());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 1000000000);
  EXPECT_EQ(load(found->path).step, 1000000000);
  EXPECT_TRUE(warnings.empty());

  flip(directory_ / "step-1000000000.h5", 5000);
  std::filesystem::resize_file(directory_ / "step-000000300.h5", 700);
  found = newest_intact(directory_, warning_log());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 200);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("step-1000000000.h5: damaged"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("step-000000300.h5: truncated"), std::string::npos) << warnings[1];
  EXPECT_TRUE(std::filesystem::exists(directory_ / "step-000000300.h5")) << "damaged ones stay";

  for (const std::int64_t step : {40, 100, 200})
    std::filesystem::resize_file(directory_ / fmt::format("step-{:09d}.h5", step), 0);
  EXPECT_FALSE(newest_intact(directory_, warning_log()));
  EXPECT_EQ(warnings.size(), 5u);
}

TEST_F(CheckpointStores, RotationKeepsTheNewestAndTheBest) {
  save_as(directory_ / "best.h5", sample(1));
  put_file(directory_ / ".step-000000001.h5.99.tmp", {});
  for (std::int64_t step = 1; step <= 7; ++step) {
    store_.save(sample(step));
    store_.rotate(3, step);
    EXPECT_EQ(names_in(directory_).size(), static_cast<std::size_t>(std::min<std::int64_t>(step, 3)) + 1) << step;
  }
  EXPECT_EQ(names_in(directory_),
            (std::vector<std::string>{"best.h5", "step-000000005.h5", "step-000000006.h5", "step-000000007.h5"}));
  store_.rotate(0, 7);  // never all
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"best.h5", "step-000000007.h5"}));
}

TEST_F(CheckpointStores, RotationLeavesWhatWasSavedAndWhatIsOfALaterStep) {
  for (const std::int64_t step : {1, 2, 3, 8, 9}) store_.save(sample(step));
  store_.rotate(1, 3);
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"step-000000003.h5", "step-000000008.h5", "step-000000009.h5"}));
}

TEST_F(CheckpointStores, RotationCountsOnlyIntactOnes) {
  CheckpointStore writer(directory_);
  for (std::int64_t step = 1; step <= 5; ++step) writer.save(sample(step));
  flip(directory_ / "step-000000005.h5", 3000);
  flip(directory_ / "step-000000004.h5", 100);
  store_.rotate(2, 5);
  EXPECT_EQ(names_in(directory_),
            (std::vector<std::string>{"step-000000002.h5", "step-000000003.h5", "step-000000004.h5", "step-000000005.h5"}));
  const auto found = newest_intact(directory_, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 3);
}

// A file is verified again when it has changed since this process wrote it.
TEST_F(CheckpointStores, RotationNoticesDamageOfItsOwnFiles) {
  for (std::int64_t step = 1; step <= 4; ++step) store_.save(sample(step));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // file times advance in ticks of up to 10 ms
  flip(file(3), 3000);
  const auto before = std::filesystem::last_write_time(file(2));
  flip(file(2), 3000);
  std::filesystem::last_write_time(file(2), before);  // as a tool does that copies times
  store_.rotate(2, 4);
  EXPECT_EQ(names_in(directory_),
            (std::vector<std::string>{"step-000000001.h5", "step-000000002.h5", "step-000000003.h5", "step-000000004.h5"}));
}

// A file of the same length under the same name, with the same time: another inode.
TEST_F(CheckpointStores, RotationNoticesAReplacedFile) {
  for (std::int64_t step = 1; step <= 3; ++step) store_.save(sample(step));
  auto bytes = bytes_of(file(2));
  bytes.at(3000) ^= std::byte{1};
  const auto before = std::filesystem::last_write_time(file(2));
  put_file(directory_ / "other", bytes);
  std::filesystem::last_write_time(directory_ / "other", before);
  std::filesystem::rename(directory_ / "other", file(2));
  store_.rotate(2, 3);
  EXPECT_TRUE(std::filesystem::exists(file(1)));
}

TEST_F(CheckpointStores, TheNewestIsLoadedIfItIsIntact) {
  EXPECT_FALSE(store_.load_newest(warning_log()));
  for (const std::int64_t step : {1, 2}) store_.save(sample(step));
  auto loaded = store_.load_newest(warning_log());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->path, file(2));
  EXPECT_EQ(loaded->checkpoint.step, 2);
  EXPECT_TRUE(warnings.empty());
  flip(file(2), 3000);
  loaded = store_.load_newest(warning_log());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->checkpoint.step, 1);
  EXPECT_EQ(warnings.size(), 1U);
}

class CheckpointReads : public CheckpointStores {
 protected:
  CheckpointReads() { checkpoint_.parameters = {{"w", {500000}, std::vector<double>(500000, 0.5)}}; }
  void save(std::int64_t step) {
    checkpoint_.step = step;
    store_.save(checkpoint_);
  }
  /// How many times `work` reads a whole checkpoint. Rounded, so that small other reads do not count.
  template <class Work>
  double reads(Work work) {
    const std::size_t before = bytes_read().value();
    work();
    return std::round(static_cast<double>(bytes_read().value() - before) / kBytes);
  }
  void SetUp() override {
    if (!bytes_read()) GTEST_SKIP() << "no /proc/self/io here";
  }

  static constexpr double kBytes = 500000 * sizeof(double);
  Checkpoint checkpoint_ = sample();
};

TEST_F(CheckpointReads, AFileThatIsSavedIsReadBackOnce) {
  for (std::int64_t step = 1; step <= 4; ++step) {
    EXPECT_EQ(reads([&] { save(step); }), 1) << "to be sealed";
    EXPECT_EQ(reads([&] { store_.rotate(3, step); }), 0) << step;
  }
}

TEST_F(CheckpointReads, AResumedRunReadsItsCheckpointOnce) {
  for (std::int64_t step = 1; step <= 3; ++step) save(step);
  CheckpointStore resumed(directory_);
  EXPECT_EQ(reads([&] { EXPECT_TRUE(resumed.load_newest({})); }), 1);
  EXPECT_EQ(reads([&] { resumed.rotate(2, 3); }), 1) << "the second newest, which this process has not seen yet";
  EXPECT_EQ(reads([&] { resumed.rotate(2, 3); }), 0);
}

TEST_F(CheckpointReads, AFileThatIsLoadedIsReadOnce) {
  save(1);
  EXPECT_EQ(reads([&] { EXPECT_EQ(load(file(1)).step, 1); }), 1);
}

// A file that is no checkpoint may be of any length.
TEST_F(CheckpointReads, OnlyTheHeadOfAnotherFileIsRead) {
  put_file(directory_ / "other.h5", std::vector<std::byte>(8000000));
  EXPECT_EQ(reads([&] { EXPECT_THROW(load(directory_ / "other.h5"), base::Error); }), 0);
}

}  // namespace
}  // namespace talweg::io
