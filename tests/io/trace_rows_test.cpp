// SPDX-License-Identifier: Apache-2.0
// trace.rows: the records since trace.h5 was published, when parts are torn, lost or old.
#include "tests/io/trace_support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

TEST_F(Traces, RowsSincePublicationAreRead) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 25);
  trace->publish();
  append(*trace, 26, 77);
  trace->append(TraceEvent{77, 1.5, "resume", "at step 77 – weiter"});
  trace->sync();
  const Trace read = read_trace(directory_);
  expect_rows(read, 77);
  ASSERT_EQ(read.events.size(), 1u);
  EXPECT_EQ(read.events[0].kind, "resume");
  EXPECT_EQ(read.events[0].message, "at step 77 – weiter");
  std::filesystem::copy(h5(), directory_ / "copy");
  std::filesystem::create_directory(directory_ / "elsewhere");
  std::filesystem::copy(h5(), directory_ / "elsewhere" / "trace.h5");
  expect_rows(read_trace(directory_ / "elsewhere"), 25);  // trace.h5 alone is a valid trace
}

TEST_F(Traces, RowsReachTheFileWhenWritten) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 6);
  expect_rows(read_trace(directory_), 0);
  trace->write();
  expect_rows(read_trace(directory_), 6);
}

TEST_F(Traces, RowsWhoseFileIsLostAreInTheNextOne) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 10);
  std::filesystem::remove(rows());
  std::filesystem::create_directory(rows());
  expect_error(ExitCode::io, {rows().string(), "cannot create the file"}, [&] { trace->publish(); });
  append(*trace, 11, 20);
  expect_error(ExitCode::io, {rows().string()}, [&] { trace->sync(); });
  std::filesystem::remove(rows());
  append(*trace, 21, 30);
  trace->sync();
  expect_rows(read_trace(directory_), 30);
  append(*trace, 31, 40);
  trace->sync();
  expect_rows(read_trace(directory_), 40);
}

TEST_F(Traces, RowsReachTheFileWhenTheWriterGoes) {
  { append(*TraceWriter::create(directory_, kAttributes, kFigures), 1, 12); }
  expect_rows(read_trace(directory_), 12);
}

TEST_F(Traces, ATornTailIsDroppedAndWhatIsBeforeItKept) {
  {
    const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 20);
    trace->publish();
    append(*trace, 21, 26);
  }
  const auto whole = bytes_of(rows());
  std::size_t before = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    put_file(rows(), std::span(whole).first(length));
    const Trace read = read_trace(directory_);
    const std::size_t steps = read.steps.at("step").size();
    ASSERT_GE(steps, std::max<std::size_t>(before, 20));
    ASSERT_LE(steps, 26u);
    before = steps;
    if (length % 101 == 0) {  // and resuming from it works
      TraceWriter::resume(directory_, 24, kAttributes, kFigures);
      const Trace again = read_trace(directory_);
      ASSERT_EQ(again.steps.at("step").size(), std::min<std::size_t>(steps, 24));
      TraceWriter::create(directory_, kAttributes, kFigures);
      const auto rebuilt = TraceWriter::create(directory_, kAttributes, kFigures);
      append(*rebuilt, 1, 20);
      rebuilt->publish();
    }
  }
  EXPECT_EQ(before, 26u);
}

TEST_F(Traces, AFlippedByteInTheRowsHidesWhatFollowsAndNothingElse) {
  {
    const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 20);
    trace->publish();
    append(*trace, 21, 30);
  }
  const auto whole = bytes_of(rows());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto bad = whole;
    bad[at] ^= std::byte{4};
    put_file(rows(), bad);
    const Trace read = read_trace(directory_);
    const auto& steps = read.steps.at("step");
    ASSERT_GE(steps.size(), 20u);
    ASSERT_TRUE(steps.size() < 30u || read.evaluation.at("step").size() < 3u) << at;
    for (std::size_t k = 0; k < steps.size(); ++k) ASSERT_EQ(read.steps.at("loss")[k], std::sin(static_cast<double>(k + 1)));
  }
}

TEST_F(Traces, RowsOfAnEarlierPublicationAreNotCountedTwice) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 30);
  trace->sync();
  const auto old_rows = bytes_of(rows());
  trace->publish();
  put_file(rows(), old_rows);  // as if killed between publishing and emptying the rows
  expect_rows(read_trace(directory_), 30);
}

TEST_F(Traces, RowsOfAnEarlierRunAreNotTakenOver) {
  { append(*TraceWriter::create(directory_, kAttributes, kFigures), 1, 30); }
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  expect_rows(read_trace(directory_), 0);
  append(*trace, 1, 10);
  trace->sync();
  const SizeLimit limit(1000);  // stopped before the new trace.h5 is there, the old rows are gone already
  expect_error(ExitCode::io, {h5().string(), "cannot write"},
               [&] { return TraceWriter::create(directory_, kAttributes, kFigures); });
  EXPECT_FALSE(std::filesystem::exists(rows()));
}

TEST_F(Traces, RowsThatTheDiskHasLostAreMissed) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 20);
  trace->sync();
  std::filesystem::resize_file(rows(), 1000);
  expect_error(ExitCode::bad_data, {rows().string(), "damaged: found 5 rows, expected 22"}, [&] { trace->publish(); });
  expect_rows(read_trace(directory_), 5);
}

}  // namespace
}  // namespace talweg::io
