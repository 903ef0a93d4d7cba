// SPDX-License-Identifier: Apache-2.0
#include "talweg/train.hpp"

#include "comm/agree.hpp"
#include "train/memory.hpp"
#include "train/problem.hpp"

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

template <class Real>
TrainResult train_as(const base::Config& config, const RunConfig& run, const TrainOptions& options, comm::Communicator& comm,
                     const base::Log& log) {
  comm.set_activity(comm::Activity::reading);
  std::optional<Loaded<Real>> loaded;
  comm::run_on_all_ranks(
      comm, [&] { loaded.emplace(load_problem<Real>(run, options, comm, comm.coordinator() ? log : base::Log{})); });
  comm.set_activity(comm::Activity::starting);
  expect_same_data(loaded->facts, comm);
  const math::Threads threads(options.threads);
  engine::Problem<Real>& problem = loaded->problem;
  if (run.method->needs().smoothness) problem.curvature = curvature_bounds(problem, comm);
  loaded->facts.ranks = comm.size();
  loaded->facts.threads = threads.count();

  math::StateLayout layout;
  layout.vector("x");
  declare_trainer_slots(layout, problem.objective->layout().tensors().size());
  declare_schedule_slots(layout, *run.schedule);
  comm::run_on_all_ranks(comm, [&] { run.method->declare(layout, problem.objective->layout()); });  // may refuse the model

  comm::run_on_all_ranks(comm, [&] {
    const VectorMemory memory =
        vector_memory(*problem.objective, layout, points_of(*run.method), run.run.engine.placement, comm.node().nodes);
    const double bytes = memory.coordinator(!options.run.empty());
    if (comm.coordinator() && bytes > machine_bytes())
      base::fail(ExitCode::bad_config, "{}", too_large(*problem.objective, bytes));
  });
  std::optional<engine::Fault> fault;
  std::optional<engine::Engine<Real>> made;
  comm::run_on_all_ranks(comm, [&] {
    fault = engine::Fault::from_environment();
    made.emplace(comm, threads, problem, run.run.engine, layout.vectors().size(), layout.per_example().size());
  });
  engine::Engine<Real>& engine = *made;
  if (options.signals) engine.watch_signals(options.signals);
  if (fault) {
    engine.inject(*fault);
    log.warn("TALWEG_FAULT is set: a failure is made on purpose: " + fault->text());
  }
  if (!comm.coordinator()) {
    TrainResult result;
    math::State state(layout);
    const engine::Mirror mirror{state, [&](const optim::Progress& progress) {
                                  optim::StepContext context{engine.oracle(engine::Asker::method), state, progress};
                                  run.method->step(context);
                                }};
    result.summary.ending.code = engine.serve(&mirror);
    return result;
  }
  warn_about_machine(comm, threads, problem.train.plan(), run.run.engine.batch, log);
  Coordinator<Real> coordinator(config, run, options, loaded->facts, engine, problem, std::move(layout), log);
  return coordinator.run();
}

}  // namespace

TrainResult train(const base::Config& config, const TrainOptions& options, comm::Communicator& comm, const base::Log& log) {
  std::optional<RunConfig> run;
  comm::run_on_all_ranks(
      comm, [&] { run.emplace(parse_run(config, {.objective = options.terms != nullptr, .data = options.rows.has_value()})); });
  comm.deadline(run->run.deadline);
  if (options.bench_seconds > 0) {
    run->stop = {};
    run->stop.wall_seconds = options.bench_seconds;
    run->run.steps = kManySteps;
    run->run.epochs = 0;
    run->trace.evaluate_every = 0;
  }
  return run->run.precision == math::Precision::float32 ? train_as<float>(config, *run, options, comm, log)
                                                        : train_as<double>(config, *run, options, comm, log);
}

}  // namespace talweg::train
