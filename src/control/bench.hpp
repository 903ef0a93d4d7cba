// SPDX-License-Identifier: Apache-2.0
// What `talweg bench` measures, and how it is shown.
#pragma once

#include <string>
#include <vector>

#include "talweg/train.hpp"
#include "train/products.hpp"

namespace talweg::control {

/// Of the machine, measured beside the steps. GFLOP/s of one thread, GB/s and bytes of what is said.
struct MachineFigures {
  double gemm = 0;               // best matrix product
  double fma = 0;                // multiply-adds in registers
  double triad = 0;              // GB/s, all threads of the node's ranks, over as much memory as an update touches there
  double allreduce_bytes = 0;    // of one plain sum over all ranks, as large as the exact sums
  double allreduce_seconds = 0;  // 0: there is one rank
  double latency_seconds = 0;    // of a sum of one word
  std::vector<double> resident;  // [ranks] largest resident bytes
  double resident_before = 0;    // of rank 0 before data was read: the program itself
  int ranks_on_node = 1;         // of rank 0
  int nodes = 1;
};

/// Derived from a run of steps. Rates are those of rank 0's node; 0 where a phase took no time.
struct StepFigures {
  double gflops = 0;      // of all ranks
  double gemm_share = 0;  // of the threads' best matrix products
  double fma_share = 0;
  double update_bytes = 0;    // an update moves: sums read, x and the method's vectors read and written, whole node
  double update_rate = 0;     // GB/s
  double allreduce_rate = 0;  // GB/s handed over by rank 0 in its time of verdicts and sums, waiting included
};

/// Bytes of an update on one node: every rank's sums, or one rank's where nodes have added theirs up before; `sharded`: those
/// of its own share of the parameters.
double update_bytes(const train::Memory& memory, int ranks_on_node, int nodes, bool sharded);
StepFigures step_figures(const train::Summary& summary, const MachineFigures& machine);

/// Of a bench that came to no figures.
std::string ending_json(const train::Ending& ending);
std::string bench_json(const train::Summary& summary, const MachineFigures& machine);
std::string bench_text(const train::Summary& summary, const MachineFigures& machine);
std::string products_json(const train::ProductTimes& times);
std::string products_text(const train::ProductTimes& times);

}  // namespace talweg::control
