// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "control/command.hpp"
#include "train/json.hpp"
#include "train/preview.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> set;
  int ranks = 1;
  int nodes = 1;
  bool json = false;
};

std::string to_text(const base::Config& config, const train::Preview& p) {
  std::string text;
  std::string section;
  for (const base::Resolved& r : config.resolved()) {
    if (r.section != section) text += fmt::format("[{}]\n", r.section);
    section = r.section;
    text += fmt::format("  {:<18} = {:<24} # {}\n", r.key, r.value, r.origin);
  }
  text += fmt::format("data        {} training examples, {} features{}, {}; valid {}, test {}\n", p.train, p.features,
                      p.sparse ? " (sparse)" : "", p.classes > 0 ? fmt::format("{} classes", p.classes) : "numeric targets",
                      p.valid, p.test);
  text += fmt::format("model       {}: {} parameters\n", p.model, p.parameters);
  text += p.last_batch == p.batch
              ? fmt::format("steps       {} of {} examples, {} per epoch\n", p.steps, p.batch, p.steps_per_epoch)
              : fmt::format("steps       {}: of {} examples, {} per epoch at first, of {} at the end\n", p.steps, p.batch,
                            p.steps_per_epoch, p.last_batch);
  text += fmt::format("cost        {}{} example-gradients, {} values, {} Hessian-vector products in the first epoch\n",
                      p.cost.bound ? "at most " : "", p.cost.gradients, p.cost.values, p.cost.hvps);
  text += fmt::format("leaves      {} examples each; {} shards; per step and rank at most", p.leaf, p.shards);
  for (const std::uint64_t n : p.leaves_per_rank) text += fmt::format(" {}", n);
  text += fmt::format("\nstate       {} vectors of the parameters' size\n", p.state_vectors);
  text += fmt::format("memory      about {:.1f} MB on the coordinator, {:.1f} MB on each other rank, data included\n",
                      p.coordinator_megabytes, p.worker_megabytes);
  if (p.nodes > 1) {
    text += fmt::format("            and {:.1f} MB of state on each of the {} other nodes, placement {}\n",
                        p.node_state_megabytes, p.nodes - 1, p.placement);
  }
  return text;
}

nlohmann::ordered_json to_json(const base::Config& config, const train::Preview& p) {
  nlohmann::ordered_json keys = nlohmann::ordered_json::array();
  for (const base::Resolved& r : config.resolved()) {
    keys.push_back({{"section", r.section}, {"key", r.key}, {"value", r.value}, {"origin", r.origin}, {"meaning", r.meaning}});
  }
  return {
      {"config", keys},
      {"train", p.train},
      {"valid", p.valid},
      {"test", p.test},
      {"features", p.features},
      {"classes", p.classes},
      {"sparse", p.sparse},
      {"model", p.model},
      {"parameters", p.parameters},
      {"steps", p.steps},
      {"steps_per_epoch", p.steps_per_epoch},
      {"batch", p.batch},
      {"last_batch", p.last_batch},
      {"cost", {{"gradients", p.cost.gradients}, {"values", p.cost.values}, {"hvps", p.cost.hvps}, {"bound", p.cost.bound}}},
      {"leaf", p.leaf},
      {"shards", p.shards},
      {"leaves_per_rank", p.leaves_per_rank},
      {"state_vectors", p.state_vectors},
      {"coordinator_megabytes", p.coordinator_megabytes},
      {"worker_megabytes", p.worker_megabytes},
      {"placement", p.placement},
      {"nodes", p.nodes},
      {"node_state_megabytes", p.node_state_megabytes}};
}

base::ExitCode run_check(Context& context, const Options& options) {
  if (options.nodes > options.ranks) {
    base::fail(base::ExitCode::usage, "--nodes: found {}, expected at most the {} of --ranks", options.nodes, options.ranks);
  }
  const base::Config config = base::Config::load(options.config, options.set);
  const train::Preview preview = train::preview(config, options.ranks, options.nodes, context.log());
  print(options.json ? train::json_text(to_json(config, preview)) : to_text(config, preview));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg check run.toml\n"
      "  talweg check run.toml --ranks 8 --set run.batch=512\n"
      "  talweg check run.toml --ranks 64 --nodes 8 --set run.placement=sharded\n"
      "Reads config and data and says what a run would do; trains nothing.");
  auto options = std::make_shared<Options>();
  arguments.add("config", options->config, "config file (TOML)").required();
  arguments.add("--set", options->set, "override a key: section.key=value; section.key= takes it out, as if not given")
      .repeated();
  arguments.add("--ranks", options->ranks, "ranks to plan for (default 1)").within(1, 1 << 20);
  arguments.add("--nodes", options->nodes, "machines they are on (default 1)").within(1, 1 << 20);
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_check(context, *options); };
}

}  // namespace

extern const CommandEntry command_check;
const CommandEntry command_check{"check", "what a config means: values and their origin, data, model, memory, leaves", false,
                                 declare};

}  // namespace talweg::control
