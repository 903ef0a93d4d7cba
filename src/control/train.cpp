// SPDX-License-Identifier: Apache-2.0
#include "talweg/train.hpp"

#include "control/command.hpp"
#include "io/run_directory.hpp"
#include "report/summary.hpp"
#include "talweg/log.hpp"
#include "train/progress.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> set;
  std::string run;
  bool fresh = false;
  int threads = 0;
  std::string progress = "auto";
  bool json = false;
};

base::ExitCode run_train(Context& context, const Options& options) {
  train::TrainOptions train;
  train.started = std::chrono::steady_clock::now();      // stop.wall_seconds counts from here
  base::SignalWatch& signals = context.watch_signals();  // first, so that a signal during reading is obeyed too
  comm::Communicator& comm = context.world(0, Context::start_patience(options.config, options.set));
  const base::Config config = context.shared_config(options.config, options.set);
  train.run = options.run.empty() ? io::default_run(options.config) : std::filesystem::path(options.run);
  train.fresh = options.fresh;
  train.threads = options.threads;
  train.progress = comm.coordinator() ? train::progress_style(options.progress, comm::launched_rank().has_value())
                                      : train::ProgressStyle::none;
  train.signals = base::SignalWatch::take;
  const train::TrainResult result = train::train(config, train, comm, context.log());
  signals.ignore_from_now();
  if (comm.coordinator()) {
    if (options.json) {
      print(report::summary_json(result.summary));
    } else {
      print(report::summary_text(result.summary) + fmt::format("  run         {}\n", train.run.string()));
    }
  }
  const train::Ending& ending = result.summary.ending;
  const bool well = ending.code == base::ExitCode::finished || ending.code == base::ExitCode::stopped_early;
  // Repeat the failure on stderr, for callers that discard stdout.
  if (comm.coordinator() && !well) base::say(stderr, fmt::format("talweg train: {}: {}\n", ending.reason, ending.message));
  return ending.code;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg train configs/digits_mlp.toml\n"
      "  mpirun -n 4 talweg train run.toml --set method.lr=0.01\n"
      "The same command resumes an unfinished run and extends one whose epochs grew; --fresh starts anew.");
  auto options = std::make_shared<Options>();
  arguments.add("config", options->config, "config file (TOML)").required();
  arguments.overrides(options->set);
  arguments.add("--run", options->run, "run directory (default: runs/<config stem> next to the config)")
      .check([](const std::string& run) { return run.empty() ? "found \"\", expected a directory" : std::string(); });
  arguments.flag("--fresh", options->fresh, "start anew and delete what the run directory holds");
  arguments.add("--threads", options->threads, "threads per rank (default: the cores this rank may use)").within(1, 4096);
  arguments.add("--progress", options->progress, "progress on stderr").one_of({"auto", "bar", "plain", "json", "none"});
  arguments.flag("--json", options->json, "print the summary as JSON");
  return [options](Context& context) { return run_train(context, *options); };
}

}  // namespace

extern const CommandEntry command_train;
const CommandEntry command_train{"train", "train a model, or resume its run", true, declare};

}  // namespace talweg::control
