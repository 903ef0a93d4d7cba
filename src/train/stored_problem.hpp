// SPDX-License-Identifier: Apache-2.0
// A checkpoint opened again for more than training: its config, its problem, an engine with its point.
#pragma once

#include <functional>
#include <optional>

#include "comm/agree.hpp"
#include "io/checkpoint.hpp"
#include "train/problem.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {

struct StoredRun {
  std::string file;
  io::Checkpoint checkpoint;
  RunConfig run;
};

/// Collective: rank 0 reads the checkpoint, all get it.
StoredRun open_stored(const std::filesystem::path& checkpoint, comm::Communicator& comm);

/// The run's own data and objective.
template <class Real>
struct StoredProblem {
  StoredProblem(StoredRun& stored, int threads, comm::Communicator& comm, const base::Log& log)
      : StoredProblem(stored, threads, open(stored, comm, log)) {}
  StoredProblem(StoredRun& stored, int threads, Loaded<Real> given)
      : loaded(std::move(given)), stored_(stored), threads_(threads) {}

  /// Runs `work` on the coordinator with an engine and the stored point, while the other ranks answer.
  void coordinate(comm::Communicator& comm, const std::function<void(engine::Engine<Real>&, optim::Vector)>& work) {
    std::optional<engine::Engine<Real>> made;
    engine::EngineOptions options = stored_.run.run.engine;
    options.placement = engine::Placement::coordinator;  // no steps are made
    comm::run_on_all_ranks(comm, [&] { made.emplace(comm, threads_, loaded.problem, options, 1); });
    engine::Engine<Real>& engine = *made;
    if (!comm.coordinator()) {
      if (const base::ExitCode code = engine.serve(); code != base::ExitCode::finished) {
        base::fail(code, "the coordinator stopped");
      }
      return;
    }
    const optim::Vector x{0};
    try {
      values_from<Real>(stored_.checkpoint.parameters, stored_.file, loaded.problem.objective->layout(),
                        engine.store().values(x));
      engine.store().touch(x);
      work(engine, x);
    } catch (const comm::AgreedFailure&) {
      throw;
    } catch (...) {
      engine.stop(comm::current_failure().code);
      throw;
    }
    engine.stop(base::ExitCode::finished);
  }

  Loaded<Real> loaded;

 private:
  static Loaded<Real> open(const StoredRun& stored, comm::Communicator& comm, const base::Log& log) {
    comm.set_activity(comm::Activity::reading);
    std::optional<Loaded<Real>> opened;
    comm::run_on_all_ranks(
        comm, [&] { opened.emplace(load_problem<Real>(stored.run, {}, comm, comm.coordinator() ? log : base::Log{})); });
    comm::run_on_all_ranks(comm, [&] { expect_data_of(stored.checkpoint, stored.file, opened->facts); });
    expect_same_data(opened->facts, comm);
    comm.set_activity(comm::Activity::starting);
    return std::move(*opened);
  }
  StoredRun& stored_;
  math::Threads threads_;
};

}  // namespace talweg::train
