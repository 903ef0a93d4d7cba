// SPDX-License-Identifier: Apache-2.0
#include "control/command.hpp"
#include "report/json_writer.hpp"
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

std::string to_json(const base::Config& config, const train::Preview& p) {
  report::JsonWriter json;
  json.object().array("config");
  for (const base::Resolved& r : config.resolved()) {
    json.object().field("section", r.section).field("key", r.key).field("value", r.value);
    json.field("origin", r.origin).field("meaning", r.meaning).end();
  }
  json.end();
  json.field("train", p.train).field("valid", p.valid).field("test", p.test);
  json.field("features", p.features).field("classes", p.classes).field("sparse", p.sparse);
  json.field("model", p.model).field("parameters", p.parameters);
  json.field("steps", p.steps).field("steps_per_epoch", p.steps_per_epoch).field("batch", p.batch);
  json.field("last_batch", p.last_batch);
  json.object("cost").field("gradients", p.cost.gradients).field("values", p.cost.values).field("hvps", p.cost.hvps);
  json.field("bound", p.cost.bound).end();
  json.field("leaf", p.leaf).field("shards", p.shards).field("leaves_per_rank", p.leaves_per_rank);
  json.field("state_vectors", p.state_vectors);
  json.field("coordinator_megabytes", p.coordinator_megabytes).field("worker_megabytes", p.worker_megabytes);
  json.field("placement", p.placement).field("nodes", p.nodes).field("node_state_megabytes", p.node_state_megabytes).end();
  return json.text();
}

base::ExitCode run_check(Context& context, const Options& options) {
  if (options.nodes > options.ranks) {
    base::fail(base::ExitCode::usage, "--nodes: found {}, expected at most the {} of --ranks", options.nodes, options.ranks);
  }
  const base::Config config = base::Config::load(options.config, options.set);
  const train::Preview preview = train::preview(config, options.ranks, options.nodes, context.log());
  print(options.json ? to_json(config, preview) : to_text(config, preview));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg check run.toml\n"
      "  talweg check run.toml --ranks 8 --set run.batch=512\n"
      "  talweg check run.toml --ranks 64 --nodes 8 --set run.placement=sharded\n"
      "Reads config and data and reports what a run would do. It trains nothing.");
  auto options = std::make_shared<Options>();
  arguments.add("config", options->config, "config file (TOML)").required();
  arguments.overrides(options->set);
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
