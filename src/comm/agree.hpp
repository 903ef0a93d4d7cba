// SPDX-License-Identifier: Apache-2.0
// Errors between collectives. A rank that threw alone would leave the others waiting for it. So the work is done first, then
// all ranks learn whether it succeeded everywhere, and either all of them throw or none.
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "talweg/communicator.hpp"
#include "talweg/error.hpp"

namespace talweg::comm {

/// Whether this rank's part of some work has failed, and how.
struct Failure {
  base::ExitCode code = base::ExitCode::finished;
  std::string message;
  [[nodiscard]] bool failed() const { return code != base::ExitCode::finished; }
};

/// A failure that every rank throws: the others need not be told to stop.
class AgreedFailure : public base::Error {
 public:
  using base::Error::Error;
};

/// The exception being handled, as a Failure (anything but base::Error is internal). Call inside a catch block.
Failure current_failure();

/// Collective. When some rank failed, throws on every rank an AgreedFailure: that of the lowest rank that failed. The message
/// names this rank unless all ranks failed.
void agree(Communicator& comm, const Failure& mine);

/// Collective. Runs `work` on every rank and agrees on how it went.
void run_on_all_ranks(Communicator& comm, const std::function<void()>& work);

/// Collective. Runs `work` on rank 0; what it throws there is thrown on every rank.
void run_on_rank_0(Communicator& comm, const std::function<void()>& work);

/// Runs `work`, in which the ranks meet in collectives. What it throws and all ranks have not agreed on ends the job
/// (abort_job), since the other ranks wait for this one; a rank that is alone just throws it.
void run_in_step(Communicator& comm, const std::function<void()>& work);

/// For a failure while the other ranks are inside a collective and cannot be told: prints it on stderr with the rank's number,
/// and ends the processes of all ranks with its code.
[[noreturn]] void abort_job(Communicator& comm, const Failure& mine);

}  // namespace talweg::comm
