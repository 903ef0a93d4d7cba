// SPDX-License-Identifier: Apache-2.0
// When a host is lost, MPI_Abort ends the ranks that can be reached, but mpirun waits for the others: for more than a minute,
// even if TCP keepalives are set to seconds. (TCP sends no keepalives while it retransmits, as it does for mpirun.)
#pragma once

#include <chrono>

namespace talweg::comm {

/// Leaves a process behind that ends the parent of this one (mpirun, or orted on other hosts) if it still exists after `grace`:
/// by SIGTERM, and three seconds later by SIGKILL. Does nothing under other launchers.
void end_launcher_after(std::chrono::milliseconds grace) noexcept;

}  // namespace talweg::comm
