// SPDX-License-Identifier: Apache-2.0
// What becomes of an exception that one rank alone throws.
#include "comm/agree.hpp"

#include <gtest/gtest.h>

#include <new>

namespace talweg::comm {
namespace {

/// One of two ranks, with nothing behind it: it notes that it was to end the job.
class OneOfTwo final : public Communicator {
 public:
  struct Aborted {
    int code;
  };
  [[nodiscard]] int rank() const override { return 1; }
  [[nodiscard]] int size() const override { return 2; }
  void broadcast(std::span<std::byte>, int, Group) override {}
  [[nodiscard]] Node node() const override { return {}; }
  void sum(std::span<double>, Group) override {}
  void sum(std::span<float>, Group) override {}
  void sum(std::span<std::int64_t>) override {}
  void max(std::span<std::uint32_t>) override {}
  void reduce_scatter(std::span<double>, std::span<const std::size_t>) override {}
  void reduce_scatter(std::span<float>, std::span<const std::size_t>) override {}
  void allgather(std::span<double>, std::span<const std::size_t>) override {}
  void allgather(std::span<float>, std::span<const std::size_t>) override {}
  void send(std::span<std::byte>, int, int) override {}
  [[nodiscard]] std::unique_ptr<SharedMemory> share(std::size_t bytes) override { return alone()->share(bytes); }
  [[noreturn]] void abort(int code) override { throw Aborted{code}; }
};

TEST(RunInStep, ALoneExceptionEndsTheJob) {
  OneOfTwo comm;
  try {
    run_in_step(comm, [] { throw std::bad_alloc(); });
    FAIL() << "it went on";
  } catch (const OneOfTwo::Aborted& aborted) {
    EXPECT_EQ(aborted.code, static_cast<int>(base::ExitCode::internal));
  }
}

TEST(RunInStep, WhatAllRanksThrowIsThrown) {
  OneOfTwo comm;
  EXPECT_THROW(run_in_step(comm, [] { throw AgreedFailure(base::ExitCode::bad_data, "on all ranks"); }), AgreedFailure);
}

TEST(RunInStep, ARankThatIsAloneThrows) {
  const auto comm = alone();
  EXPECT_THROW(run_in_step(*comm, [] { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST(RunOnRank0, OnlyRank0Works) {
  OneOfTwo comm;
  bool ran = false;
  run_on_rank_0(comm, [&] { ran = true; });
  EXPECT_FALSE(ran);
  run_on_rank_0(*alone(), [&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(RunOnRank0, ItsFailureIsThrownWithoutARanksName) {
  const auto comm = alone();
  try {
    run_on_rank_0(*comm, [] { base::fail(base::ExitCode::io, "the disk is full"); });
    FAIL() << "it went on";
  } catch (const AgreedFailure& e) {
    EXPECT_EQ(e.code(), base::ExitCode::io);
    EXPECT_STREQ(e.what(), "the disk is full");
  }
}

}  // namespace
}  // namespace talweg::comm
