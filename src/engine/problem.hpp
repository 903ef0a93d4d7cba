// SPDX-License-Identifier: Apache-2.0
// F and its data, read and built, whatever their precision: what a run knows before it opens a session on it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/load.hpp"
#include "engine/session.hpp"
#include "math/parallel.hpp"
#include "model/build.hpp"
#include "model/problem.hpp"
#include "model/regularizer.hpp"
#include "talweg/log.hpp"
#include "talweg/objective.hpp"
#include "talweg/terms.hpp"

namespace talweg::engine {

/// What F is made of, as a config or an embedding program says.
struct ProblemSource {
  math::Precision precision = math::Precision::float32;
  model::Regularizer::Config regularizer;
  // The terms: a named problem, an embedding program's own, or [model].
  std::optional<model::ProblemConfig> problem;
  std::shared_ptr<const model::UserTerms> terms;
  std::optional<model::OwnObjective> objective;
  model::ModelConfig model;
  // The examples: an embedding program's rows, or [data]. A named problem numbers its own.
  const model::UserRows* rows = nullptr;
  data::DataConfig data;
};

/// The same on every rank, but for what is said to be this rank's.
struct ProblemFacts {
  math::Precision precision = math::Precision::float32;
  std::string describe;  // the model in one line
  model::Capabilities capabilities;
  std::size_t outputs = 0;
  double gradient_flop = 0;
  std::size_t example_numbers = 0;
  std::size_t prepared_extent = 0;
  data::Shape shape;                   // of the training part
  data::ShardPlan plan{1};             // of the training part
  std::optional<std::uint64_t> valid;  // examples
  std::optional<std::uint64_t> test;
  std::size_t rows = 0;   // of the training part on this rank
  std::size_t bytes = 0;  // of all parts on this rank
  data::Transform transform;
  std::string fingerprint;

  [[nodiscard]] std::size_t real_size() const { return precision == math::Precision::float32 ? sizeof(float) : sizeof(double); }
};

/// Outputs of a model, in the order of the file's records.
struct Predictions {
  std::size_t outputs = 0;
  std::vector<std::string> classes;    // empty: numbers
  std::vector<double> scores;          // [records, outputs]
  std::vector<std::size_t> predicted;  // [records] class index; empty for numbers
};

class Problem {
 public:
  virtual ~Problem() = default;
  [[nodiscard]] virtual const math::ParameterLayout& layout() const = 0;
  [[nodiscard]] virtual const model::Regularizer& regularizer() const = 0;
  [[nodiscard]] const ProblemFacts& facts() const { return facts_; }

  /// Collective: bounds of the terms' curvature from the rows of all ranks, for Oracle::curvature_bounds(); nothing is found
  /// when the objective is not linear.
  virtual void find_curvature(comm::Communicator& comm) = 0;
  /// Collective. The slots of `state` exist from the start, zero. Problem, communicator and threads outlive the session.
  [[nodiscard]] virtual std::unique_ptr<Session> open(comm::Communicator& comm, const math::Threads& threads,
                                                      const EngineOptions& options, const math::StateLayout& state) const = 0;
  /// The model's outputs on the training part at the point that `fill` gives; one rank.
  [[nodiscard]] virtual Predictions predict(const std::function<void(Values)>& fill) const = 0;

 protected:
  ProblemFacts facts_;
};

/// Not collective: every rank reads and keeps its share; callers agree on how it went.
std::unique_ptr<Problem> load(const ProblemSource& source, int rank, int ranks, const base::Log& log);
/// A model on data other than its own: `fixed` are the features, classes and transform that it was trained with.
std::unique_ptr<Problem> load_other(const ProblemSource& source, const data::Source& other, const data::Fixed& fixed,
                                    data::Labels labels, int rank, int ranks);

}  // namespace talweg::engine
