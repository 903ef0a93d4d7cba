// SPDX-License-Identifier: Apache-2.0
#include "bench/steps.hpp"
#include "control/command.hpp"
#include "bench/products.hpp"

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

base::ExitCode bench_steps(const base::Config& config, const Options& options, comm::Communicator& comm, const base::Log& log) {
  const bench::StepTimes times = bench::time_steps(config, options.seconds, options.threads, comm, log);
  const train::Ending& ending = times.summary.ending;
  if (ending.code == base::ExitCode::diverged) {
    if (comm.coordinator() && options.json) print(bench::ending_json(ending));
    base::fail(ending.code, "{}", ending.message);
  }
  if (comm.coordinator())
    print(options.json ? bench::bench_json(times.summary, times.machine) : bench::bench_text(times.summary, times.machine));
  return base::ExitCode::finished;
}

base::ExitCode run_bench(Context& context, const Options& options) {
  comm::Communicator& comm = context.world(options.ranks_per_node, Context::start_patience(options.config, options.set));
  const base::Config config = context.shared_config(options.config, options.set);
  if (!options.products) return bench_steps(config, options, comm, context.log());
  const bench::ProductTimes times = bench::time_products(config, options.seconds, options.threads, comm, context.log());
  if (comm.coordinator()) print(options.json ? bench::products_json(times) : bench::products_text(times));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg bench configs/mnist_t10k_mlp.toml --threads 2\n"
      "  mpirun -n 2 talweg bench run.toml --seconds 2 --json\n"
      "  talweg bench run.toml --hvp\n"
      "Times steps of the config's method on its data, without stops, evaluations, checkpoints and trace. The limits of this\n"
      "machine, measured in the same minute, are printed for comparison.");
  auto options = std::make_shared<Options>();
  arguments.add("config", options->config, "config file (TOML)").required();
  arguments.overrides(options->set);
  arguments.add("--seconds", options->seconds, "how long (default 5)").check(more_than_zero);
  arguments.add("--threads", options->threads, "threads per rank (default: the cores this rank may use)").within(1, 4096);
  arguments.flag("--hvp", options->products, "gradients and Hessian-vector products instead of steps, at the initial point");
  arguments
      .add("--ranks-per-node", options->ranks_per_node,
           "treat every so many ranks as a node: what several nodes send each other, measured on one machine")
      .within(1, 4096);
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_bench(context, *options); };
}

}  // namespace

extern const CommandEntry command_bench;
const CommandEntry command_bench{"bench", "how fast a config's steps are here, phase by phase", true, declare};

}  // namespace talweg::control
