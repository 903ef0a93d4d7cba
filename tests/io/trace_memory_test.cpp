// SPDX-License-Identifier: Apache-2.0
// Nothing grows with steps: memory, and the share of time that publishing takes.
#include <hdf5.h>
#include <malloc.h>

#include <chrono>
#include <thread>

#include "tests/io/trace_support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

TEST_F(Traces, PublishesInBetweenOnlyWhileThatIsCheap) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_FALSE(trace->publish_if_cheap(1e9)) << "nothing is new";
  append(*trace, 1, 10);
  EXPECT_FALSE(trace->publish_if_cheap(0)) << "no time has passed to take 1 % of";
  EXPECT_FALSE(trace->publish_if_cheap(1e-4));
  EXPECT_TRUE(trace->publish_if_cheap(1e9));
  expect_rows(read_trace(h5()), 10);
  const auto begin = std::chrono::steady_clock::now();
  append(*trace, 11, 11);
  const bool again = trace->publish_if_cheap(1e9);
  if (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(900)) {  // otherwise this test was stopped meanwhile
    EXPECT_FALSE(again) << "a second has not passed";
  }
}

/// Largest resident memory of this process.
std::size_t peak() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return 1024 * kilobytes;
  }
  return 0;
}

TEST_F(Traces, AMillionRowsArePublished) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  constexpr std::int64_t kRows = 1000000;
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak is what there is now
  const std::size_t before = peak();
  for (std::int64_t i = 1; i <= kRows; ++i) {
    trace->append(row(i));
    if (i % 10000 == 0) trace->write();
    if (i == kRows / 2) trace->publish();
  }
  trace->publish();
#ifndef __SANITIZE_ADDRESS__  // AddressSanitizer keeps freed memory
  EXPECT_LT(peak(), before + (32 << 20)) << "of a file of " << std::filesystem::file_size(h5()) << " bytes";
#endif
  const Trace read = read_trace(h5());
  ASSERT_EQ(read.steps.at("loss").size(), static_cast<std::size_t>(kRows));
  EXPECT_EQ(read.steps.at("gradient_norm").back(), 1e6 + 0.1);
}

TEST_F(Traces, AtCheckpointsTooOnlyWhileThatIsCheap) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  trace->while_publishing([] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });  // every 1024 rows
  append(*trace, 1, 2048);
  bool published = false;  // after 50 times the duration of the last one
  for (int i = 0; i < 3000 && !published; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    published = trace->publish_at_checkpoint();
  }
  EXPECT_TRUE(published);
  expect_rows(read_trace(h5()), 2048);
  append(*trace, 2049, 2060);
  EXPECT_FALSE(trace->publish_at_checkpoint()) << "no five seconds have passed to take 2 % of";
  expect_rows(read_trace(h5()), 2048);
}

/// Bytes of the heap that are in use, without what HDF5 keeps for later: it has limits of its own, of about 1 MB.
std::size_t heap() {
  H5garbage_collect();
  const auto facts = ::mallinfo2();
  return facts.uordblks + facts.hblkhd;
}

// Counts every allocation, so that no threshold depends on how much malloc returns to the system.
TEST_F(Traces, WhatIsHeldDoesNotGrowWithRows) {
  if (heap() == 0) GTEST_SKIP() << "a sanitizer's allocator does not say what is in use";
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  std::int64_t last = 0;
  const auto go_on_to = [&](std::int64_t next) {
    while (last < next) {
      append(*trace, last + 1, last + 5000);
      trace->append(TraceEvent{last, 0, "note", std::string(200, 'e')});
      trace->write();
      last += 5000;
      if (last % 20000 == 0) trace->publish();
    }
  };
  go_on_to(40000);
  const std::size_t before = heap();
  go_on_to(400000);  // 360 000 rows of 152 bytes
  EXPECT_LT(heap(), before + 200000);
  trace->sync();
  const Trace read = read_trace(h5());
  EXPECT_EQ(read.steps.at("step").size(), 400000u);
  EXPECT_EQ(read.events.size(), 80u);
}

TEST_F(Traces, RowsInMemoryAreThoseThatAreNotOnTheDisk) {
  if (heap() == 0) GTEST_SKIP() << "a sanitizer's allocator does not say what is in use";
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  const std::size_t before = heap();
  for (std::int64_t i = 1; i <= 100000; ++i) {  // 18 MB of rows, none published
    trace->append(row(i));
    if (i % 1000 == 0) trace->write();
  }
  EXPECT_LT(heap(), before + (4 << 20));
  trace->publish();
  EXPECT_EQ(read_trace(h5()).steps.at("step").size(), 100000u);
}

TEST_F(Traces, RowsThatComeWhileAPublicationIsMadeNeedNotWait) {
  auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 30000);
  trace->publish();
  append(*trace, 30001, 50000);
  std::int64_t last = 50000, calls = 0;
  trace->while_publishing([&] {
    if (++calls % 10 != 0) return;
    append(*trace, last + 1, last + 100);
    last += 100;
    trace->write();
    expect_rows(read_trace(directory_), last);  // a kill would lose none
  });
  trace->publish();
  EXPECT_GE(last, 50400) << "of both, chunks and rows";
  trace->while_publishing({});
  std::filesystem::copy(h5(), directory_ / "copy.h5");
  const auto published = read_trace(directory_ / "copy.h5").steps.at("step").size();
  expect_rows(read_trace(directory_), last);
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"copy.h5", "trace.h5", "trace.rows"}));
  append(*trace, last + 1, last + 70);
  trace.reset();
  expect_rows(read_trace(directory_), last + 70);
  trace = TraceWriter::resume(directory_, last + 30, kAttributes, kFigures);
  expect_rows(read_trace(h5()), last + 30);
  EXPECT_GE(published, 50000u);
}

TEST_F(Traces, RowsThatCameWhileAPublicationFailedAreKept) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 20000);
  trace->publish();
  std::int64_t last = 20000;
  trace->while_publishing([&] {
    append(*trace, last + 1, last + 10);
    last += 10;
    trace->write();
    if (last > 20100) throw base::Error(ExitCode::io, "enough");
  });
  append(*trace, last + 1, last + 50);
  last += 50;
  expect_error(ExitCode::io, {"enough"}, [&] { trace->publish(); });
  trace->while_publishing({});
  EXPECT_GT(last, 20100);
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"trace.h5", "trace.rows"}));
  expect_rows(read_trace(directory_), last);
  trace->publish();
  expect_rows(read_trace(h5()), last);
}

}  // namespace
}  // namespace talweg::io
