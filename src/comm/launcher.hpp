// SPDX-License-Identifier: Apache-2.0
// When a host is lost, MPI_Abort ends the ranks that can be reached, and mpirun waits for the others: for more than a minute,
// with keepalives of seconds, too. (TCP asks for no sign of life while it has something to send again, and mpirun has.)
#pragma once

#include <chrono>

namespace talweg::comm {

/// Leaves a process behind that ends the one that has started this (mpirun, or orted on hosts other than its own) if it is
/// there after `grace`: by SIGTERM, three seconds later by SIGKILL. Does nothing under other launchers.
void end_launcher_after(std::chrono::milliseconds grace) noexcept;

}  // namespace talweg::comm
