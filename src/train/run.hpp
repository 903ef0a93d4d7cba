// SPDX-License-Identifier: Apache-2.0
// One run on this rank: what the parts of the loop share. All ranks run the same loop on the same state; what rank 0 alone knows
// (its disk, its clock) reaches the others through on_rank_0() and decide().
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/problem.hpp"
#include "engine/session.hpp"
#include "run/archive.hpp"
#include "run/clock.hpp"
#include "talweg/communicator.hpp"
#include "talweg/config.hpp"
#include "talweg/log.hpp"
#include "talweg/state.hpp"
#include "talweg/train.hpp"
#include "train/run_config.hpp"

namespace talweg::train {

inline Ending finished(std::string reason, std::string message) {
  return {base::ExitCode::finished, std::move(reason), std::move(message)};
}

struct Run {
  const base::Config& config;
  const RunConfig& settings;
  const TrainOptions& options;
  comm::Communicator& comm;
  const engine::Problem& problem;
  engine::Session& session;
  math::State& state;
  const math::Threads& threads;
  const base::Log& log;  // silent on all ranks but the first

  run::Clock clock{};
  std::unique_ptr<run::Archive> archive = std::make_unique<run::Archive>();
  math::Vector x = state.vector("x");                                // where the method takes its gradients
  math::Vector output = state.vector(settings.method->output());     // the point it gives: evaluated, judged, exported
  std::int64_t steps = settings.run.planned_steps(session.order());  // planned
  std::int64_t first_step = 0;                                       // of what the summary counts as this part
  double examples = 0;                                               // seen in this part
  engine::Phases phases{};                                           // inside this part's steps
  comm::Traffic traffic_before{};                                    // of what came before first_step
  std::int64_t rolled_back_to = -1;                                  // step of the last rollback in this part
  bool writes = !options.run.empty();                                // there is a run directory

  [[nodiscard]] std::int64_t& counter(const char* name) const { return state.counter(name); }
  [[nodiscard]] double& scalar(const char* name) const { return state.scalar(name); }
  [[nodiscard]] std::int64_t done() const { return counter("trainer.step"); }
  [[nodiscard]] double epoch() const { return session.order().epochs(static_cast<std::uint64_t>(done())); }
  /// True when the last step completes a period of `epochs` epochs.
  [[nodiscard]] bool completes(double epochs) const;
  [[nodiscard]] bool smooth() const { return problem.regularizer().smooth(); }

  /// In the log, and an event of the trace.
  void inform(std::string_view kind, const std::string& text) const;
  void warn(std::string_view kind, const std::string& text) const;

  /// Collective: runs `work` on rank 0; what it throws is thrown on all ranks.
  void on_rank_0(const std::function<void()>& work) const;
  /// Collective: rank 0's answer on all ranks.
  [[nodiscard]] bool decide(bool answer) const;
  /// Collective: rank 0's ending on all ranks.
  [[nodiscard]] Ending decide(Ending ending) const;
};

/// What an embedding program gives in the place of sections of the config.
Given given_by(const TrainOptions& options);

/// The attributes of the run's trace, and the figures of its evaluations.
run::TraceDescription describe_trace(const Run& run);
/// The last step as a row of the trace.
io::StepRow step_row(const Run& run, const optim::StepReport& report, const engine::Phases& before, double seconds);
Summary summarise(const Run& run, const Ending& ending, const Figures& figures);
/// Collective: the tensors of the point that the run gives, on rank 0.
std::vector<TrainedTensor> trained_tensors(Run& run);
/// "2 ranks x 1 thread"
std::string describe_machine(const Run& run);

}  // namespace talweg::train
