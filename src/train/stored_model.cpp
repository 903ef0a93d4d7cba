// SPDX-License-Identifier: Apache-2.0
#include "train/stored_model.hpp"

#include "comm/agree.hpp"
#include "io/checkpoint_store.hpp"
#include "io/run_directory.hpp"
#include "train/evaluation.hpp"
#include "train/open.hpp"
#include "train/snapshot.hpp"
#include "train/stored_run.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

/// The stored model's own view of the data: features, classes and transform of the training part.
data::Fixed fixed_of(const io::Checkpoint& checkpoint) {
  return {.features = checkpoint.features,
          .classes = checkpoint.classes,
          .transform = {
              .kind = checkpoint.transform.kind, .shift = checkpoint.transform.shift, .scale = checkpoint.transform.scale}};
}

/// The stored model on a data set of its own.
std::unique_ptr<engine::Problem> load_other(const StoredRun& stored, const OtherData& data, data::Labels labels,
                                            const comm::Communicator& comm) {
  if (stored.run.problem) {
    base::fail(ExitCode::usage, "{}: found the run of problem {}, expected one on data: no other data has this problem's terms",
               stored.file, stored.run.problem->entry->name);
  }
  const data::Source& like = stored.run.data.train;
  const data::Source source = data::source_from_path(data.path, like, data.labels);
  if (labels == data::Labels::required && !like.labels.empty() && source.labels.empty() && source.format == like.format) {
    base::fail(ExitCode::input_missing, "{}: found no labels' file beside it, expected --labels FILE: the training data had {}",
               data.path.string(), like.labels.string());
  }
  return engine::load_other(source_of(stored.run), source, fixed_of(stored.checkpoint), labels, comm.rank(), comm.size());
}

}  // namespace

std::filesystem::path find_checkpoint(const std::filesystem::path& run_or_file, bool best, const base::Log& log) {
  std::error_code ignored;
  if (!std::filesystem::exists(run_or_file, ignored)) {
    base::fail(ExitCode::input_missing, "{}: not found, expected a run directory or a checkpoint file", run_or_file.string());
  }
  if (!std::filesystem::is_directory(run_or_file, ignored)) return run_or_file;
  const io::RunDirectory directory{run_or_file};
  if (best) {
    if (!std::filesystem::exists(directory.best(), ignored)) {
      base::fail(ExitCode::input_missing, "{}: not found: the run has kept no best parameters yet", directory.best().string());
    }
    return directory.best();
  }
  const auto found = io::newest_intact(directory.checkpoints(), log);
  if (!found)
    base::fail(ExitCode::input_missing,
               "{}: found no intact checkpoint there, expected one: a run writes its first after [checkpoint] every_seconds, "
               "and at its end",
               directory.checkpoints().string());
  return found->path;
}

Figures evaluate_stored(const std::filesystem::path& checkpoint, const OtherData& data, int threads, comm::Communicator& comm) {
  const StoredRun stored = open_stored(checkpoint, comm);
  std::unique_ptr<engine::Problem> problem;
  comm::run_on_all_ranks(comm, [&] { problem = load_other(stored, data, data::Labels::required, comm); });
  const StoredPoint point(stored, *problem, threads, comm);
  Figures figures;
  comm::run_in_step(comm, [&] {
    add_part(figures, "data", point.session->evaluate(point.x, engine::Part::train),
             problem->facts().capabilities.classification);
  });
  return figures;
}

engine::Predictions predict_stored(const std::filesystem::path& checkpoint, const std::filesystem::path& data) {
  const auto alone = comm::alone();
  const StoredRun stored = open_stored(checkpoint, *alone);
  const auto problem = load_other(stored, {data, {}}, data::Labels::ignored, *alone);
  return problem->predict(
      [&](engine::Values point) { values_from(stored.checkpoint.parameters, stored.file, problem->layout(), point); });
}

}  // namespace talweg::train
