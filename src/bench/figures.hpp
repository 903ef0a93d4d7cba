// SPDX-License-Identifier: Apache-2.0
// What `talweg bench` measures, what follows from it, and how it is printed.
#pragma once

#include <string>
#include <vector>

#include "bench/products.hpp"
#include "talweg/summary.hpp"

namespace talweg::bench {

/// Of the machine, measured in the same minute as the steps. GFLOP/s are of one thread.
struct MachineFigures {
  double gemm = 0;               // best matrix product
  double fma = 0;                // multiply-adds in registers
  double triad = 0;              // GB/s of all threads on rank 0's node, over as much memory as an update touches there
  double allreduce_bytes = 0;    // of one plain sum over all ranks, as large as the sums of a gradient
  double allreduce_seconds = 0;  // 0: there is only one rank
  double latency_seconds = 0;    // of a sum of one word
  std::vector<double> resident;  // [ranks] peak resident bytes
  double resident_before = 0;    // of rank 0 before data is read: the program itself
  int ranks_on_node = 1;         // of rank 0
  int nodes = 1;
};

/// Derived from a run of steps. Rates are those of rank 0's node; 0 where a phase took no time.
struct StepFigures {
  double gflops = 0;      // of all ranks
  double gemm_share = 0;  // of the threads' best matrix products
  double fma_share = 0;
  double update_bytes = 0;    // that an update moves on the node: reads sums, reads and writes x and the method's vectors
  double update_rate = 0;     // GB/s
  double allreduce_rate = 0;  // GB/s that rank 0 hands to collectives, in its time of verdicts and sums, waiting included
};

/// Bytes that an update reads and writes on one node: every rank's sums (one rank's if there are several nodes, which have then
/// added up their ranks' sums already) and each vector twice; `sharded`: only of the node's share of the parameters.
double update_bytes(const train::Memory& memory, int ranks_on_node, int nodes, bool sharded);
StepFigures step_figures(const train::Summary& summary, const MachineFigures& machine);

/// For a bench that diverged and has no figures.
std::string ending_json(const train::Ending& ending);
std::string bench_json(const train::Summary& summary, const MachineFigures& machine);
std::string bench_text(const train::Summary& summary, const MachineFigures& machine);
std::string products_json(const bench::ProductTimes& times);
std::string products_text(const bench::ProductTimes& times);

}  // namespace talweg::bench
