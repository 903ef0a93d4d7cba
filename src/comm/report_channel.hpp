// SPDX-License-Identifier: Apache-2.0
// Short messages between the watchdogs of the nodes, to and from rank 0, separate from the run's own messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "talweg/communicator.hpp"

namespace talweg::comm {

/// From one node to rank 0, or rank 0's answer; then `quiet` is that of all nodes.
struct NodeReport {
  double quiet = 0;  // seconds without progress of any rank there
  std::int32_t node = 0;
  std::int32_t waits = 0;        // 1: some rank there is waiting
  std::array<char, 400> text{};  // the suspected rank there, if there is one
};

class ReportChannel {
 public:
  virtual ~ReportChannel() = default;
  /// Drops the message if the previous one to this rank is still being sent.
  virtual void send(int rank, const NodeReport& report) = 0;
  /// The next message that has arrived, and its sender.
  virtual std::optional<std::pair<int, NodeReport>> receive() = 0;
  /// The ranks of a node and its host, as text.
  [[nodiscard]] virtual std::string name_of(int node) const = 0;
};

/// Over MPI. Collective over all ranks of the MPI_Comm that `all_ranks` points to. Null if MPI does not allow several threads,
/// or if there is only one node.
std::unique_ptr<ReportChannel> mpi_report_channel(const void* all_ranks, const Node& node);

}  // namespace talweg::comm
