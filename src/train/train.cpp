// SPDX-License-Identifier: Apache-2.0
#include "talweg/train.hpp"

#include <optional>

#include "comm/agree.hpp"
#include "train/loop.hpp"
#include "train/memory.hpp"
#include "train/open.hpp"
#include "train/progress.hpp"
#include "train/slots.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

constexpr std::int64_t kManySteps = std::int64_t{1} << 50;  // more than any clock allows

/// Cores, idle ranks: what a user would want to know before waiting for the run.
void warn_about_machine(const comm::Communicator& comm, const math::Threads& threads, const data::ShardPlan& plan,
                        std::uint64_t batch, const base::Log& log) {
  const int cores = math::Threads::available_cores();
  if (threads.count() > cores) {
    log.warn(fmt::format(
        "{} threads asked for, but rank 0 may run on {} core{} only; give mpirun --bind-to none (or --map-by slot:PE={})",
        threads.count(), cores, cores == 1 ? "" : "s", threads.count()));
  }
  if (batch > plan.count()) {
    log.warn(
        fmt::format("run.batch = {} is more than the {} training examples: each step takes all of them", batch, plan.count()));
  }
  if (static_cast<std::uint32_t>(comm.size()) > plan.shards()) {
    log.warn(fmt::format("{} of {} ranks are idle: {} training examples make {} shards of at least 64",
                         comm.size() - static_cast<int>(plan.shards()), comm.size(), plan.count(), plan.shards()));
  }
}

/// What the vectors of the run take is refused before the system kills it.
void expect_memory(const RunConfig& run, const engine::Problem& problem, const math::StateLayout& layout,
                   const comm::Communicator& comm, bool writes) {
  const VectorMemory memory =
      vector_memory(problem, layout, points_of(*run.method), run.run.engine.placement, comm.node().nodes);
  const double bytes = memory.coordinator(writes);
  if (comm.coordinator() && bytes > machine_bytes()) base::fail(ExitCode::bad_config, "{}", too_large(problem, bytes));
}

/// A bench makes steps for so many seconds, and nothing else.
void make_bench(RunConfig& run, double seconds) {
  run.stop = {};
  run.stop.wall_seconds = seconds;
  run.run.steps = kManySteps;
  run.run.epochs = 0;
  run.trace.evaluate_every = 0;
}

}  // namespace

TrainResult train(const base::Config& config, const TrainOptions& options, comm::Communicator& comm, const base::Log& log) {
  std::optional<RunConfig> parsed;
  comm::run_on_all_ranks(comm, [&] { parsed.emplace(parse_run(config, given_by(options))); });
  RunConfig& settings = *parsed;
  comm.deadline(settings.run.deadline);
  if (options.bench_seconds > 0) make_bench(settings, options.bench_seconds);

  const std::unique_ptr<engine::Problem> problem = open_problem(settings, options, comm, log);
  const math::Threads threads(options.threads);
  if (settings.method->needs().has(optim::Need::smoothness)) problem->find_curvature(comm);

  std::optional<math::State> state;
  std::optional<engine::Fault> fault;
  std::unique_ptr<engine::Session> session;
  comm::run_on_all_ranks(comm, [&] {
    math::StateLayout layout = run_layout(settings, problem->layout());
    expect_memory(settings, *problem, layout, comm, !options.run.empty());
    state.emplace(std::move(layout));
    fault = engine::Fault::from_environment();
  });
  comm::run_on_all_ranks(comm, [&] { session = problem->open(comm, threads, settings.run.engine, state->layout()); });
  if (options.signals) session->verdicts().watch_signals(options.signals);
  if (fault) {
    session->inject(*fault);
    if (comm.coordinator()) log.warn("TALWEG_FAULT is set: a failure is made on purpose: " + fault->text());
  }
  if (comm.coordinator()) warn_about_machine(comm, threads, problem->facts().plan, settings.run.engine.batch, log);

  Progress progress(comm.coordinator() ? options.progress : ProgressStyle::none, stderr);
  const base::Log shown([&](base::Level level, std::string_view text) {
    if (!comm.coordinator()) return;
    progress.clear();
    level == base::Level::warning ? log.warn(text) : log.info(text);
  });
  Run run{.config = config,
          .settings = settings,
          .options = options,
          .comm = comm,
          .problem = *problem,
          .session = *session,
          .state = *state,
          .threads = threads,
          .log = shown};
  return Loop(run, progress).run();
}

}  // namespace talweg::train
