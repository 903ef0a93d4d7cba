// SPDX-License-Identifier: Apache-2.0
#include "comm/agree.hpp"

#include <array>
#include <cstdio>
#include <new>

#include "talweg/log.hpp"

namespace talweg::comm {

Failure current_failure() {
  try {
    throw;
  } catch (const base::Error& e) {
    return {e.code(), e.what()};
  } catch (const std::bad_alloc&) {
    return {base::ExitCode::internal, "out of memory"};
  } catch (const std::exception& e) {
    return {base::ExitCode::internal, std::string("internal error: ") + e.what()};
  } catch (...) {
    return {base::ExitCode::internal, "internal error: something was thrown that is no std::exception"};
  }
}

namespace {

/// As agree(). `name_rank`: the message says which rank it is, unless all ranks failed.
void agree_on(Communicator& comm, const Failure& mine, bool name_rank) {
  // The maximum of two numbers: the lowest failing rank (counted down), and whether some rank has not failed.
  const auto ranks = static_cast<std::uint32_t>(comm.size());
  std::array<std::uint32_t, 2> verdict = {mine.failed() ? ranks - static_cast<std::uint32_t>(comm.rank()) : 0u,
                                          mine.failed() ? 0u : 1u};
  comm.max(verdict);
  if (verdict[0] == 0) return;
  const int culprit = static_cast<int>(ranks - verdict[0]);
  auto code = static_cast<std::uint32_t>(mine.code);
  comm.broadcast_values(std::span(&code, 1), culprit);
  const std::string message = comm.broadcast_text(mine.message, culprit);
  const bool name_it = name_rank && verdict[1] != 0;
  throw AgreedFailure(static_cast<base::ExitCode>(code), name_it ? fmt::format("rank {}: {}", culprit, message) : message);
}

}  // namespace

void agree(Communicator& comm, const Failure& mine) { agree_on(comm, mine, true); }

void run_on_all_ranks(Communicator& comm, const std::function<void()>& work) {
  Failure mine;
  try {
    work();
  } catch (...) {
    mine = current_failure();
  }
  agree(comm, mine);
}

void run_on_rank_0(Communicator& comm, const std::function<void()>& work) {
  Failure mine;
  try {
    if (comm.coordinator()) work();
  } catch (...) {
    mine = current_failure();
  }
  agree_on(comm, mine, false);
}

void run_in_step(Communicator& comm, const std::function<void()>& work) try { work(); } catch (const AgreedFailure&) {
  throw;
} catch (...) {
  if (comm.size() == 1) throw;
  abort_job(comm, current_failure());
}

void abort_job(Communicator& comm, const Failure& mine) {
  base::say(stderr, fmt::format("rank {}: {}\n", comm.rank(), mine.message));
  comm.abort(static_cast<int>(mine.code));
  std::abort();  // not reached: the base class declares abort noreturn, but not every compiler sees it
}

}  // namespace talweg::comm
