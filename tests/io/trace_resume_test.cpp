// SPDX-License-Identifier: Apache-2.0
// A trace that continues after a resume, a kill, a full disk.
#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>

#include "tests/io/trace_support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

TEST_F(Traces, ResumeCutsWhatCameAfterTheCheckpoint) {
  for (const std::int64_t cut : {0, 1, 25, 26, 40, 59, 60, 100}) {
    auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 25);
    trace->append(TraceEvent{25, 0, "early", ""});
    trace->publish();
    append(*trace, 26, 60);
    trace->append(TraceEvent{60, 0, "late", ""});
    trace.reset();
    trace = TraceWriter::resume(directory_, cut, {{"seed", std::int64_t{8}}, {"ranks", std::int64_t{2}}}, kFigures);
    const Trace read = read_trace(directory_);
    expect_rows(read, std::min<std::int64_t>(cut, 60));
    EXPECT_EQ(read.events.size(), static_cast<std::size_t>((cut >= 25) + (cut >= 60)));
    EXPECT_EQ(std::get<std::int64_t>(read.attributes.at("seed")), 8);
    EXPECT_EQ(std::get<std::int64_t>(read.attributes.at("ranks")), 2);
    EXPECT_EQ(std::get<std::string>(read.attributes.at("host")), "häst");
    append(*trace, std::min<std::int64_t>(cut, 60) + 1, 90);
    trace->sync();
    expect_rows(read_trace(directory_), 90);
    trace->publish();
    expect_rows(read_trace(directory_), 90);
  }
}

TEST_F(Traces, ResumeWithoutATraceBeginsOne) {
  const auto trace = TraceWriter::resume(directory_, 40, kAttributes, kFigures);
  expect_rows(read_trace(directory_), 0);
}

TEST_F(Traces, AFullDiskIsSaidAndTheRowsAreKept) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 20);
  trace->sync();
  append(*trace, 21, 40);
  {
    const SizeLimit limit(static_cast<rlim_t>(std::filesystem::file_size(rows())) + 100);
    expect_error(ExitCode::io, {rows().string(), "cannot write"}, [&] { trace->sync(); });
    expect_error(ExitCode::io, {h5().string(), "cannot write"}, [&] { trace->publish(); });
  }
  expect_rows(read_trace(directory_), 20);
  trace->sync();  // there is room again
  expect_rows(read_trace(directory_), 40);
}

TEST_F(Traces, SurvivesKillsAtAnyTime) {
  void* page = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  const std::atomic_ref<std::int64_t> told(*static_cast<std::int64_t*>(page));  // by the child: rows that are on the disk
  for (int trial = 0; trial < 12; ++trial) {
    told = 0;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
      std::int64_t rows = 0;
      const auto more = [&] {
        append(*trace, rows + 1, rows + 10);
        rows += 10;
      };
      if (trial % 2 == 0) trace->while_publishing(more);
      for (int i = 0;; ++i) {
        more();
        if (i % 3 == 0) trace->publish();
        trace->sync();
        told = rows;
      }
    }
    while (!std::filesystem::exists(h5())) ::usleep(200);
    ::usleep(static_cast<useconds_t>(5000 + 3700 * trial));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto have = static_cast<std::int64_t>(read_trace(directory_).steps.at("step").size());
    const Trace read = read_trace(directory_);
    expect_rows(read, have);
    EXPECT_GE(have, told);
    const auto trace = TraceWriter::resume(directory_, have / 20 * 10, kAttributes, kFigures);
    expect_rows(read_trace(directory_), have / 20 * 10);
    std::filesystem::remove(h5());
  }
}

TEST_F(Traces, ResumeTakesFullChunksOverAndCutsOne) {
  constexpr std::int64_t kChunk = 8192;
  for (const std::int64_t cut : {kChunk - 1, kChunk, kChunk + 1, 2 * kChunk, 20000L, 24999L}) {
    auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 20000);
    trace->publish();
    append(*trace, 20001, 25000);
    trace.reset();
    trace = TraceWriter::resume(directory_, cut, kAttributes, kFigures);
    expect_rows(read_trace(h5()), cut);
    append(*trace, cut + 1, 26000);
    trace->publish();
    expect_rows(read_trace(h5()), 26000);
  }
}

TEST_F(Traces, ResumeReadsWhatItTakesOver) {
  {
    const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 20000);
    trace->publish();
  }
  auto bytes = bytes_of(h5());
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 4096; ++i) bytes[i] ^= std::byte{0x55};
  put_file(h5(), bytes);
  expect_error(ExitCode::bad_data, {h5().string()},
               [&] { return TraceWriter::resume(directory_, 20000, kAttributes, kFigures); });
}

TEST_F(Traces, WhoRemovesTraceH5GetsItBack) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 9000);
  trace->publish();
  append(*trace, 9001, 9010);
  std::filesystem::remove(h5());
  trace->publish();
  expect_rows(read_trace(h5()), 9010);
}

}  // namespace
}  // namespace talweg::io
