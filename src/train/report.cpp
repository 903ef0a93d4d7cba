// SPDX-License-Identifier: Apache-2.0
// What a run tells of itself: rows of its trace, its summary, the parameters it found.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "train/evaluation.hpp"
#include "train/memory.hpp"
#include "train/run.hpp"

namespace talweg::train {
namespace {

std::string host() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

std::string describe_machine(const Run& run) {
  const int ranks = run.comm.size();
  const int threads = run.threads.count();
  return fmt::format("{} rank{} x {} thread{}", ranks, ranks == 1 ? "" : "s", threads, threads == 1 ? "" : "s");
}

run::TraceDescription describe_trace(const Run& run) {
  return {.attributes = {{"config", run.config.resolved_toml()},
                         {"talweg_version", TALWEG_VERSION},
                         {"mpi_version", run.comm.size() > 1 ? comm::Mpi::version() : "none"},
                         {"method", run.settings.method_name},
                         {"model", run.problem.facts().describe},
                         {"seed", static_cast<std::int64_t>(run.settings.run.engine.seed)},
                         {"ranks", std::int64_t{run.comm.size()}},
                         {"threads", std::int64_t{run.threads.count()}},
                         {"host", host()},
                         {"data_fingerprint", run.problem.facts().fingerprint}},
          .figures = figure_names(run.problem)};
}

io::StepRow step_row(const Run& run, const optim::StepReport& report, const engine::Phases& before, double seconds) {
  const engine::Meter& meter = run.session.meter();
  const engine::Costs& method = meter.of(engine::Asker::method);
  const engine::Phases phases = meter.phases - before;
  return {.step = run.done(),
          .epoch = run.epoch(),
          .examples = run.counter("trainer.examples"),
          .gradient_evaluations = method.gradients,
          .hvp_evaluations = method.hvps,
          .value_evaluations = method.values,
          .evaluation_gradients = meter.of(engine::Asker::observer).gradients,
          .seconds = run.clock.seconds(),
          .loss = report.loss,
          .gradient_norm = report.gradient_norm,
          .update_norm = report.update_norm,
          .parameter_norm = report.parameter_norm,
          .learning_rate = report.learning_rate,
          .part = run.counter("trainer.part"),
          .timing_gradient = phases.gradient,
          .timing_allreduce = phases.allreduce,
          .timing_update = phases.update,
          .timing_broadcast = phases.broadcast,
          .timing_other = seconds - phases.gradient - phases.allreduce - phases.update - phases.broadcast};
}

Summary summarise(const Run& run, const Ending& ending, const Figures& figures) {
  const engine::ProblemFacts& facts = run.problem.facts();
  const engine::Meter& meter = run.session.meter();
  const std::int64_t best_step = run.counter("trainer.best_step");
  const run::Written written = run.archive->written();
  Summary s;
  s.ending = ending;
  s.method = run.settings.method_name;
  s.model = facts.describe;
  s.placement = engine::name_of(run.settings.run.engine.placement);
  s.step = run.done();
  s.epoch = run.epoch();
  s.parameters = run.problem.layout().parameters();
  s.examples = facts.plan.count();
  s.gradient_flop = facts.shape.sparse ? 0 : facts.gradient_flop;
  s.figures = figures;
  if (run.settings.problem) s.least = model::known_with(*run.settings.problem, run.settings.regularizer).least;
  if (best_step >= 0) s.best_step = best_step;
  s.best_value = run.scalar("trainer.best_value");
  s.best_metric = run.settings.stop.metric;
  s.method_costs = meter.of(engine::Asker::method);
  s.observer_costs = meter.of(engine::Asker::observer);
  s.seconds = run.clock.seconds();
  s.part_seconds = run.clock.elapsed();
  s.training_seconds = run.clock.training;
  s.checkpoint_seconds = run.clock.checkpoint;
  s.trace_seconds = run.clock.trace;
  s.disk_seconds = run.clock.disk;
  s.evaluation_seconds = run.clock.evaluation;
  s.files = {.checkpoints = written.checkpoints,
             .failed = written.failed,
             .late = written.late,
             .last_checkpoint = written.last_checkpoint,
             .best = run.writes && !run.archive->best_is_unsaved() && best_step >= 0 ? best_step : -1,
             .checkpoint_seconds = written.checkpoint_seconds,
             .trace_seconds = written.trace_seconds};
  s.nonfinite = {.skipped = run.counter("trainer.skipped"),
                 .rollbacks = run.counter("trainer.rollbacks"),
                 .lr_factor = run.scalar("trainer.lr_factor")};
  s.phases = run.phases;
  s.memory = memory_of(run.problem, run.state.layout(), run.session, run.comm.size());
  s.part_steps = run.done() - run.first_step;
  s.traffic = {.messages = run.session.traffic().messages - run.traffic_before.messages,
               .bytes = run.session.traffic().bytes - run.traffic_before.bytes};
  s.examples_per_second = run.clock.training > 0 ? run.examples / run.clock.training : 0;
  s.ranks = run.comm.size();
  s.threads = run.threads.count();
  s.part = run.counter("trainer.part");
  return s;
}

std::vector<TrainedTensor> trained_tensors(Run& run) {
  std::vector<TrainedTensor> all;
  run.session.read(run.output, [&](engine::ConstValues values) {
    std::visit(
        [&](auto all_values) {
          for (const math::Tensor& t : run.problem.layout().tensors()) {
            const auto part = all_values.subspan(t.offset, t.size);
            all.push_back({t.name, t.shape, std::vector<double>(part.begin(), part.end())});
          }
        },
        values);
  });
  return all;
}

}  // namespace talweg::train
