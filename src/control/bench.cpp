// SPDX-License-Identifier: Apache-2.0
// What a config's steps cost on these cores: nothing is written, nothing is evaluated.
#include "control/bench.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "control/command.hpp"
#include "control/machine.hpp"
#include "train/run_config.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> set;
  double seconds = 5;
  int threads = 0;
  int ranks_per_node = 0;
  bool products = false;
  bool json = false;
};

/// `value` of every rank, on every rank.
std::vector<double> gather(comm::Communicator& comm, double value) {
  std::vector<double> all(static_cast<std::size_t>(comm.size()));
  all[static_cast<std::size_t>(comm.rank())] = value;
  comm.sum(all);
  return all;
}

/// Seconds of the best of a few plain sums of `doubles` over all ranks.
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

/// What needs all ranks; `s` is rank 0's.
void measure_together(comm::Communicator& comm, int threads, const train::Summary& s, MachineFigures& machine) {
  const comm::Node node = comm.node();
  machine.ranks_on_node = node.places;
  machine.nodes = node.nodes;
  std::array<double, 2> sizes = {update_bytes(s.memory, node.places, node.nodes, s.placement == "sharded"), s.memory.sums};
  comm.broadcast_values(std::span<double>(sizes));
  {
    const math::Threads crew(threads);
    std::array<double, 1> begin = {};
    comm.sum(begin);  // all at once
    std::array<double, 1> rate = {triad_bandwidth(crew, static_cast<std::size_t>(sizes[0] / node.places))};
    comm.sum(rate, comm::Group::node);
    machine.triad = rate[0];
  }
  if (comm.size() == 1) return;
  machine.allreduce_bytes = sizes[1];
  machine.allreduce_seconds = allreduce_seconds(comm, static_cast<std::size_t>(sizes[1] / sizeof(double)));
  machine.latency_seconds = allreduce_seconds(comm, 1);
}

base::ExitCode bench_steps(Context& context, const Options& options, comm::Communicator& comm) {
  const base::Config config = context.shared_config(options.config, options.set);
  MachineFigures machine;
  const bool single = train::parse_run(config).run.precision == math::Precision::float32;
  const auto gemm = [&] { return single ? gemm_peak<float>() : gemm_peak<double>(); };
  const auto fma = [&] { return single ? fma_peak<float>() : fma_peak<double>(); };
  const double gemm_before = gemm();
  const double fma_before = fma();
  machine.resident_before = peak_resident_bytes();
  train::TrainOptions train;
  train.threads = options.threads;
  train.bench_seconds = options.seconds;
  const train::Summary s = train::train(config, train, comm, context.log()).summary;
  if (s.ending.code == base::ExitCode::diverged) {  // on every rank
    if (comm.coordinator() && options.json) print(ending_json(s.ending));
    base::fail(s.ending.code, "{}", s.ending.message);
  }
  machine.resident = gather(comm, peak_resident_bytes());
  machine.gemm = std::max(gemm_before, gemm());
  machine.fma = std::max(fma_before, fma());
  measure_together(comm, options.threads, s, machine);
  if (comm.coordinator()) print(options.json ? bench_json(s, machine) : bench_text(s, machine));
  return base::ExitCode::finished;
}

base::ExitCode run_bench(Context& context, const Options& options) {
  comm::Communicator& comm = context.world(options.ranks_per_node, Context::start_patience(options.config, options.set));
  if (!options.products) return bench_steps(context, options, comm);
  const base::Config config = context.shared_config(options.config, options.set);
  const train::ProductTimes times = train::time_products(config, options.seconds, options.threads, comm, context.log());
  if (comm.coordinator()) print(options.json ? products_json(times) : products_text(times));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg bench configs/mnist_t10k_mlp.toml --threads 2\n"
      "  mpirun -n 2 talweg bench run.toml --seconds 2 --json\n"
      "  talweg bench run.toml --hvp\n"
      "Steps of the config's method on its data, for so many seconds; stops, evaluations, checkpoints and trace are left out.\n"
      "Beside them what this machine can do at best, measured in the same minute.");
  auto options = std::make_shared<Options>();
  arguments.add("config", options->config, "config file (TOML)").required();
  arguments.add("--set", options->set, "override a key: section.key=value; section.key= takes it out, as if not given")
      .repeated();
  arguments.add("--seconds", options->seconds, "how long (default 5)").check(more_than_zero);
  arguments.add("--threads", options->threads, "threads per rank (default: the cores this rank may use)").within(1, 4096);
  arguments.flag("--hvp", options->products, "gradients and Hessian-vector products instead of steps, at the initial point");
  arguments
      .add("--ranks-per-node", options->ranks_per_node,
           "so many ranks count as a node of their own: what several nodes say to each other, seen on one")
      .within(1, 4096);
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_bench(context, *options); };
}

}  // namespace

extern const CommandEntry command_bench;
const CommandEntry command_bench{"bench", "how fast a config's steps are here, phase by phase", true, declare};

}  // namespace talweg::control
