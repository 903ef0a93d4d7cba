// SPDX-License-Identifier: Apache-2.0
// Nobody throws alone between collectives: work that may fail on one rank is done, then all ranks learn how it went.
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "talweg/communicator.hpp"
#include "talweg/error.hpp"

namespace talweg::comm {

/// How this rank's part of something went.
struct Failure {
  base::ExitCode code = base::ExitCode::finished;
  std::string message;
  [[nodiscard]] bool failed() const { return code != base::ExitCode::finished; }
};

/// The exception being handled, as a Failure (anything but base::Error is internal). Call inside a catch block.
Failure current_failure();

/// Collective. Throws on every rank the failure of the lowest rank that failed, its rank named when it is not the only one to
/// have run the work (more than one rank, and not all of them failed).
void agree(Communicator& comm, const Failure& mine);

/// Collective. Runs `work` on every rank and agrees on how it went.
void together(Communicator& comm, const std::function<void()>& work);

/// A failure where the others cannot be told: says it on stderr with the rank's number, and ends all ranks with its code.
[[noreturn]] void abandon(Communicator& comm, const Failure& mine);

}  // namespace talweg::comm
