// SPDX-License-Identifier: Apache-2.0
// Between the watchdogs of nodes: short words to and from rank 0, beside the run's own messages.
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

/// Of one node to rank 0; or back, then `quiet` is that of all nodes.
struct Word {
  double quiet = 0;  // seconds in which no rank there has moved
  std::int32_t node = 0;
  std::int32_t waits = 0;        // 1: some rank there waits
  std::array<char, 400> text{};  // who is to blame there, if that can be seen
};

class Line {
 public:
  virtual ~Line() = default;
  /// Drops the word if the last one to this rank has not left yet.
  virtual void tell(int rank, const Word& word) = 0;
  /// The next word that has come, and from which rank.
  virtual std::optional<std::pair<int, Word>> hear() = 0;
  /// The ranks of a node and its host, in words.
  [[nodiscard]] virtual std::string name_of(int node) const = 0;
};

/// Over MPI; collective over all ranks of the MPI_Comm that `all_ranks` points to. Nothing where MPI may not be used by several
/// threads, or there is one node.
std::unique_ptr<Line> mpi_line(const void* all_ranks, const Node& node);

}  // namespace talweg::comm
