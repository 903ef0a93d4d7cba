// SPDX-License-Identifier: Apache-2.0
#include "bench/steps.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "bench/machine.hpp"
#include "talweg/train.hpp"
#include "train/run_config.hpp"

namespace talweg::bench {
namespace {

/// `value` of every rank, on every rank.
std::vector<double> gather(comm::Communicator& comm, double value) {
  std::vector<double> all(static_cast<std::size_t>(comm.size()));
  all[static_cast<std::size_t>(comm.rank())] = value;
  comm.sum(all);
  return all;
}

/// Seconds of the fastest of a few plain sums of `doubles` over all ranks.
double allreduce_seconds(comm::Communicator& comm, std::size_t doubles) {
  constexpr int kTimes = 20;
  std::vector<double> values(doubles);
  double best = 0;
  for (int i = 0; i < kTimes; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    comm.sum(values);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = i == 0 ? took : std::min(best, took);
  }
  return best;
}

/// Bandwidths, which need all ranks at once; `s` is rank 0's.
void measure_bandwidth(comm::Communicator& comm, int threads, const train::Summary& s, MachineFigures& machine) {
  const comm::Node node = comm.node();
  machine.ranks_on_node = node.places;
  machine.nodes = node.nodes;
  std::array<double, 2> sizes = {update_bytes(s.memory, node.places, node.nodes, s.placement == "sharded"), s.memory.sums};
  comm.broadcast_values(std::span<double>(sizes));
  {
    const math::Threads crew(threads);
    std::array<double, 1> begin = {};
    comm.sum(begin);  // a barrier: all ranks begin together
    std::array<double, 1> rate = {triad_bandwidth(crew, static_cast<std::size_t>(sizes[0] / node.places))};
    comm.sum(rate, comm::Group::node);
    machine.triad = rate[0];
  }
  if (comm.size() == 1) return;
  machine.allreduce_bytes = sizes[1];
  machine.allreduce_seconds = allreduce_seconds(comm, static_cast<std::size_t>(sizes[1] / sizeof(double)));
  machine.latency_seconds = allreduce_seconds(comm, 1);
}

}  // namespace

StepTimes time_steps(const base::Config& config, double seconds, int threads, comm::Communicator& comm, const base::Log& log) {
  StepTimes times;
  MachineFigures& machine = times.machine;
  const bool single = train::parse_run(config).run.precision == math::Precision::float32;
  const auto gemm = [&] { return single ? gemm_peak<float>() : gemm_peak<double>(); };
  const auto fma = [&] { return single ? fma_peak<float>() : fma_peak<double>(); };
  const double gemm_before = gemm();
  const double fma_before = fma();
  machine.resident_before = peak_resident_bytes();
  train::TrainOptions options;
  options.threads = threads;
  options.bench_seconds = seconds;
  times.summary = train::train(config, options, comm, log).summary;
  if (times.summary.ending.code == base::ExitCode::diverged) return times;  // on every rank
  machine.resident = gather(comm, peak_resident_bytes());
  machine.gemm = std::max(gemm_before, gemm());
  machine.fma = std::max(fma_before, fma());
  measure_bandwidth(comm, threads, times.summary, machine);
  return times;
}

}  // namespace talweg::bench
