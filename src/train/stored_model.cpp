// SPDX-License-Identifier: Apache-2.0
#include "train/stored_model.hpp"

#include <algorithm>

#include "io/run_directory.hpp"
#include "io/checkpoint_store.hpp"
#include "io/read_file.hpp"
#include "model/prepared_point.hpp"
#include "train/evaluation.hpp"
#include "train/stored_problem.hpp"

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
template <class Real>
Loaded<Real> load_other(const StoredRun& stored, const OtherData& data, data::Labels labels, const comm::Communicator& comm) {
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
  const auto targets = stored.run.model.classes ? data::TargetKind::classes : data::TargetKind::numbers;
  data::Dataset<Real> rows =
      data::load_with<Real>(source, targets, fixed_of(stored.checkpoint), comm.rank(), comm.size(), labels);
  auto objective = model::build_objective<Real>(stored.run.model, rows.shape());
  model::Regularizer omega(stored.run.regularizer, objective->layout());
  return {.problem = {.objective = std::move(objective),
                      .regularizer = std::move(omega),
                      .train = std::move(rows),
                      .valid = {},
                      .test = {}},
          .facts = {}};
}

template <class Real>
Figures evaluate_as(StoredRun& stored, const OtherData& data, int threads, comm::Communicator& comm) {
  std::optional<Loaded<Real>> loaded;
  comm::run_on_all_ranks(comm, [&] { loaded.emplace(load_other<Real>(stored, data, data::Labels::required, comm)); });
  StoredProblem<Real> problem(stored, threads, std::move(*loaded));
  Figures figures;
  problem.coordinate(comm, [&](engine::Engine<Real>& engine, optim::Vector x) {
    add_part(figures, "data", engine.evaluate(x, engine::Part::train),
             problem.loaded.problem.objective->capabilities().classification);
  });
  return figures;
}

template <class Real>
Predictions predict_as(StoredRun& stored, const std::filesystem::path& data) {
  const auto alone = comm::alone();
  const Loaded<Real> loaded = load_other<Real>(stored, {data, {}}, data::Labels::ignored, *alone);
  const auto& objective = *loaded.problem.objective;
  const data::Dataset<Real>& rows = loaded.problem.train;
  math::Buffer<Real> point(objective.layout().extent());
  values_from<Real>(stored.checkpoint.parameters, stored.file, objective.layout(), point.span());
  const model::PreparedPoint<Real> prepared(objective, point.span());

  Predictions all{.outputs = objective.outputs(), .classes = rows.shape().classes, .scores = {}, .predicted = {}};
  all.scores.resize(rows.rows() * all.outputs);
  if (!all.classes.empty()) all.predicted.resize(rows.rows());
  const auto tape = objective.make_tape();
  data::Gathered<Real> gathered;
  std::vector<std::uint32_t> places;
  std::vector<Real> out;
  const std::uint32_t leaf = engine::default_leaf(rows.plan().count());
  for (const data::Leaf& l : data::Order(rows.plan(), data::Sampling::cyclic, 0, rows.plan().count(), leaf).all(leaf)) {
    places.resize(l.count);
    for (std::uint32_t i = 0; i < l.count; ++i) places[i] = static_cast<std::uint32_t>(l.first) + i;
    const auto& examples = gathered.gather(rows, l.shard, places);
    out.resize(l.count * all.outputs);
    objective.predict(prepared, examples, *tape, out);
    for (std::size_t i = 0; i < l.count; ++i) {
      const std::span<const Real> scores = std::span<const Real>(out).subspan(i * all.outputs, all.outputs);
      const std::uint64_t record = examples.records[i];
      std::ranges::copy(scores, all.scores.begin() + static_cast<std::ptrdiff_t>(record * all.outputs));
      if (all.classes.empty()) continue;
      all.predicted[record] = all.outputs == 1 ? (scores[0] > 0 ? 1 : 0)
                                               : static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
    }
  }
  return all;
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

StoredRun open_stored(const std::filesystem::path& checkpoint, comm::Communicator& comm) {
  std::vector<std::byte> image;  // the run directory is on rank 0's disk
  comm::run_on_all_ranks(comm, [&] {
    if (comm.coordinator()) image = io::read_file(checkpoint);
  });
  image = comm.broadcast_bytes(std::move(image));
  std::optional<StoredRun> stored;
  comm::run_on_all_ranks(comm, [&] {
    io::Checkpoint content = io::load_image(image, checkpoint.string());
    const base::Config config = base::Config::parse(content.config, checkpoint.string() + " (its config)");
    RunConfig run = parse_run(config);
    stored.emplace(StoredRun{.file = checkpoint.string(), .checkpoint = std::move(content), .run = std::move(run)});
  });
  comm.deadline(stored->run.run.deadline);
  return std::move(*stored);
}

Figures evaluate_stored(const std::filesystem::path& checkpoint, const OtherData& data, int threads, comm::Communicator& comm) {
  StoredRun stored = open_stored(checkpoint, comm);
  return stored.run.run.precision == math::Precision::float32 ? evaluate_as<float>(stored, data, threads, comm)
                                                              : evaluate_as<double>(stored, data, threads, comm);
}

Predictions predict_stored(const std::filesystem::path& checkpoint, const std::filesystem::path& data) {
  const auto alone = comm::alone();
  StoredRun stored = open_stored(checkpoint, *alone);
  return stored.run.run.precision == math::Precision::float32 ? predict_as<float>(stored, data)
                                                              : predict_as<double>(stored, data);
}

}  // namespace talweg::train
