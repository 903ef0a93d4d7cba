// SPDX-License-Identifier: Apache-2.0
// The writer thread: everything handed over is written in order; failures are reported and tried again.
#include "run/writer.hpp"

#include <chrono>
#include <cmath>
#include <optional>
#include <thread>

#include "io/checkpoint_store.hpp"
#include "io/trace_reader.hpp"
#include "tests/io/support.hpp"

namespace talweg::run {
namespace {

using What = WriteFailure::What;

class Writers : public io::Scratch {
 protected:
  Writers() {
    std::filesystem::create_directories(run_.checkpoints());
    writer_.emplace(run_, io::TraceWriter::create(directory_, {}, {}), 2, lock_, checkpoints_);
  }
  /// A state of 4 MB at `step`, whose best was five steps before.
  void fill(std::int64_t step) {
    io::Checkpoint& c = writer_->snapshot();
    c.step = step;
    c.counters["trainer.best_step"] = step - 5;
    c.scalars["trainer.best_value"] = 0.25;
    const auto tensor = [](double v) { return io::StoredTensor{"w", {500000}, std::vector<double>(500000, v)}; };
    c.parameters = {tensor(static_cast<double>(step))};
    c.state["trainer.best"] = {tensor(-static_cast<double>(step))};
  }
  void rows(std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i <= last; ++i) writer_->append(io::StepRow{.step = i});
  }
  std::size_t rows_on_disk() const { return io::read_trace(directory_).steps.at("step").size(); }
  static double first_value(const std::filesystem::path& file) {
    return std::get<std::vector<double>>(io::load(file).parameters.at(0).values).at(0);
  }
  std::filesystem::path file(std::int64_t step) const { return io::checkpoint_file(run_.checkpoints(), step); }

  io::RunDirectory run_{directory_};
  io::DirectoryLock lock_{directory_};
  io::CheckpointStore checkpoints_{run_.checkpoints()};
  std::optional<Writer> writer_;
};

// When a run has diverged the state of the method may not be finite. The best point does not depend on it.
TEST_F(Writers, TheBestPointDoesNotDependOnWhatTheMethodKeeps) {
  fill(10);
  writer_->snapshot().scalars["mu"] = writer_->snapshot().arrays["window"].emplace_back(std::nan(""));
  writer_->write({.best = true, .alone = true});
  writer_->wait();
  ASSERT_TRUE(std::filesystem::exists(run_.best()));
  EXPECT_EQ(io::load(run_.best()).scalars, (std::map<std::string, double>{{"trainer.best_value", 0.25}}));
  EXPECT_EQ(writer_->snapshot().scalars.size(), 2U);
  EXPECT_EQ(writer_->snapshot().arrays.size(), 1U);
}

// To be sealed; rotation knows the files that this process has written.
TEST_F(Writers, EveryFileIsReadBackOnce) {
  if (!io::bytes_read()) GTEST_SKIP() << "no /proc/self/io here";
  const std::size_t before = io::bytes_read().value();
  double written = 0;
  for (const std::int64_t step : {10, 20, 30, 40}) {
    fill(step);
    writer_->write({.best = true});
    writer_->wait();
    written += static_cast<double>(std::filesystem::file_size(file(step)) + std::filesystem::file_size(run_.best()));
  }
  EXPECT_LT(static_cast<double>(io::bytes_read().value() - before), 1.1 * written);
}

TEST_F(Writers, NothingIsWrittenIntoADirectoryThatIsNotTheLockedOne) {
  std::filesystem::rename(directory_, directory_.string() + ".moved");
  std::filesystem::create_directories(run_.checkpoints());  // for example of another run
  fill(10);
  writer_->write({.best = true, .trace = true});
  writer_->wait();
  const auto failures = writer_->failures();
  ASSERT_FALSE(failures.empty());
  EXPECT_NE(failures.front().message.find(directory_.string() + ": found it removed or replaced"), std::string::npos)
      << failures.front().message;
  EXPECT_TRUE(std::filesystem::is_empty(run_.checkpoints()));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "trace.h5"));
  std::filesystem::remove_all(directory_);
  std::filesystem::rename(directory_.string() + ".moved", directory_);
}

TEST_F(Writers, ACheckpointItsBestAndItsRowsArrive) {
  rows(1, 10);
  fill(10);
  EXPECT_TRUE(writer_->idle());
  writer_->write({.best = true, .trace = false});
  writer_->wait();
  EXPECT_TRUE(writer_->idle());
  EXPECT_EQ(first_value(file(10)), 10);
  EXPECT_EQ(first_value(run_.best()), -10);
  EXPECT_EQ(io::load(run_.best()).step, 5);
  EXPECT_TRUE(io::load(run_.best()).state.empty());
  EXPECT_EQ(io::load(file(10)).state.size(), 1U);
  EXPECT_EQ(rows_on_disk(), 10U);
  EXPECT_EQ(writer_->report().last_step, 10);
  EXPECT_EQ(writer_->report().checkpoints, 1);
  EXPECT_FALSE(writer_->failed());
}

TEST_F(Writers, TheBestAloneIsWrittenWhateverTheRestHolds) {
  fill(10);
  std::get<std::vector<double>>(writer_->snapshot().parameters.at(0).values).at(3) = std::nan("");
  writer_->write({.best = true, .alone = true, .trace = false});
  writer_->wait();
  EXPECT_EQ(first_value(run_.best()), -10);
  EXPECT_FALSE(exists(file(10)));
  EXPECT_EQ(writer_->report().checkpoints, 0);
  EXPECT_FALSE(writer_->failed());
}

TEST_F(Writers, RowsArriveInAboutASecondUnasked) {
  rows(1, 7);
  for (int i = 0; i < 600 && rows_on_disk() < 7; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(rows_on_disk(), 7U);
}

TEST_F(Writers, WhatWasHandedOverOutlivesTheWriter) {
  rows(1, 7);
  fill(7);
  writer_->write({});
  rows(8, 9);
  writer_.reset();
  EXPECT_EQ(first_value(file(7)), 7);
  EXPECT_EQ(rows_on_disk(), 9U);
}

TEST_F(Writers, FinishPublishesTheTrace) {
  rows(1, 7);
  writer_->finish();
  std::filesystem::remove(directory_ / "trace.rows");
  EXPECT_EQ(rows_on_disk(), 7U);
}

TEST_F(Writers, WhatDoesNotFitIsReportedAndTheNextOneTried) {
  fill(10);
  writer_->write({});
  writer_->wait();
  {
    const io::SizeLimit limit(1 << 20);
    fill(20);
    writer_->write({.best = true, .trace = false});
    writer_->wait();
  }
  ASSERT_TRUE(writer_->failed());
  const auto failures = writer_->failures();
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0].what, What::best);
  EXPECT_NE(failures[0].message.find(run_.best().string() + ": cannot write: File too large"), std::string::npos)
      << failures[0].message;
  EXPECT_EQ(failures[1].what, What::checkpoint);
  EXPECT_EQ(failures[1].step, 20);
  EXPECT_FALSE(failures[1].best) << "it was tried";
  EXPECT_FALSE(writer_->failed());
  EXPECT_EQ(writer_->report().lost_checkpoint, failures[1].message);
  EXPECT_EQ(io::names_in(run_.checkpoints()), (std::vector<std::string>{"step-000000010.h5"}));
  fill(30);
  writer_->write({.best = true, .trace = false});
  writer_->wait();
  EXPECT_EQ(first_value(file(30)), 30);
  EXPECT_EQ(first_value(run_.best()), -30);
  const WriterReport report = writer_->report();
  EXPECT_TRUE(report.lost_checkpoint.empty());
  EXPECT_EQ(report.checkpoints, 2);
  EXPECT_EQ(report.failed, 1);
  EXPECT_EQ(report.last_step, 30);
}

TEST_F(Writers, ABestPointThatCannotBeWrittenCostsNoCheckpoint) {
  fill(10);
  writer_->write({});
  writer_->wait();
  std::filesystem::create_directory(run_.best());
  for (const std::int64_t step : {20, 30}) {
    fill(step);
    writer_->write({.best = true, .trace = false});
    writer_->wait();
    EXPECT_EQ(first_value(file(step)), static_cast<double>(step));
    const auto failures = writer_->failures();
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].what, What::best) << "so that it is tried again";
    EXPECT_EQ(failures[0].again, step == 30);
  }
  EXPECT_TRUE(writer_->report().lost_checkpoint.empty());
}

TEST_F(Writers, ATraceThatCannotBeWrittenCostsNoCheckpoint) {
  fill(10);
  writer_->write({});
  writer_->wait();
  const auto bytes = std::filesystem::file_size(file(10));
  {
    const io::SizeLimit limit(bytes + 4096);
    rows(11, 11 + static_cast<std::int64_t>(bytes / 100));  // a row has more
    fill(20);
    writer_->write({});
    writer_->wait();
  }
  EXPECT_EQ(first_value(file(20)), 20);
  const auto failures = writer_->failures();
  ASSERT_FALSE(failures.empty());
  for (const WriteFailure& failure : failures)
    EXPECT_TRUE(failure.what == What::rows || failure.what == What::trace) << failure.message;
  EXPECT_FALSE(writer_->report().lost_trace.empty());
}

// Writing the trace is tried every second, but a full disk is reported only once.
TEST_F(Writers, WhatFailsIsToldOnceUntilItSucceedsAgain) {
  rows(1, 10);
  writer_->finish();
  for (int time = 0; time < 2; ++time) {
    {
      const io::SizeLimit limit(100);
      for (int i = 0; i < 3; ++i) {
        rows(1, 10);
        writer_->finish();
      }
    }
    std::size_t of_rows = 0, of_trace = 0;
    for (const WriteFailure& failure : writer_->failures()) {
      ++(failure.what == What::rows ? of_rows : of_trace);
      EXPECT_TRUE(failure.what == What::rows || failure.what == What::trace) << failure.message;
    }
    EXPECT_EQ(of_rows, 1U);
    EXPECT_EQ(of_trace, 1U);
    EXPECT_NE(writer_->report().lost_trace.find("trace.h5: cannot write: File too large"), std::string::npos);
    writer_->finish();
    EXPECT_FALSE(writer_->failed());
    EXPECT_TRUE(writer_->report().lost_trace.empty());
    rows(1, 1);
    writer_->finish();
  }
  EXPECT_EQ(rows_on_disk(), 72U) << "nothing is lost, in or between";
}

TEST_F(Writers, RowsThatCannotBeWrittenAreToldOnceAndCostNoCheckpoint) {
  writer_.reset();
  auto trace = io::TraceWriter::create(directory_, {}, {});
  std::filesystem::remove(directory_ / "trace.rows");
  std::filesystem::create_directory(directory_ / "trace.rows");
  EXPECT_ANY_THROW(trace->publish());
  writer_.emplace(run_, std::move(trace), 2, lock_, checkpoints_);
  rows(1, 10);
  fill(10);
  writer_->write({.best = true, .trace = false});
  writer_->wait();
  EXPECT_EQ(first_value(file(10)), 10);
  fill(20);
  writer_->write({});
  writer_->wait();
  EXPECT_EQ(first_value(file(20)), 20);
  const auto failures = writer_->failures();
  ASSERT_EQ(failures.size(), 1U) << "told once";
  for (const WriteFailure& failure : failures) {
    EXPECT_NE(failure.message.find("trace.rows: cannot create the file"), std::string::npos) << failure.message;
  }
  std::filesystem::remove(directory_ / "trace.rows");
  fill(30);
  writer_->write({});
  writer_->finish();
  EXPECT_EQ(first_value(file(30)), 30);
  EXPECT_EQ(rows_on_disk(), 10U);
  EXPECT_TRUE(writer_->report().lost_trace.empty());
}

}  // namespace
}  // namespace talweg::run
