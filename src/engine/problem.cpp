// SPDX-License-Identifier: Apache-2.0
#include "engine/problem.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/curvature.hpp"
#include "engine/engine.hpp"
#include "model/prepared_point.hpp"
#include "model/user_objective.hpp"
#include "talweg/error.hpp"

namespace talweg::engine {
namespace {

using base::ExitCode;

template <class Real>
constexpr math::Precision kPrecision = sizeof(Real) == sizeof(float) ? math::Precision::float32 : math::Precision::float64;
template <class Real>
constexpr const char* kTypeName = sizeof(Real) == sizeof(float) ? "float32" : "float64";

template <class Real>
class LoadedProblem final : public Problem {
 public:
  LoadedProblem(LocalSum<Real> sum, data::Transform transform, std::string fingerprint) : sum_(std::move(sum)) {
    const auto& objective = *sum_.objective;
    const auto count = [](const auto& part) { return part ? std::optional(part->plan().count()) : std::nullopt; };
    facts_ = {.precision = kPrecision<Real>,
              .describe = objective.describe(),
              .capabilities = objective.capabilities(),
              .outputs = objective.outputs(),
              .gradient_flop = objective.gradient_flop(),
              .example_numbers = objective.example_numbers(),
              .prepared_extent = objective.prepared_extent(),
              .shape = sum_.train.shape(),
              .plan = sum_.train.plan(),
              .valid = count(sum_.valid),
              .test = count(sum_.test),
              .rows = sum_.train.rows(),
              .bytes = sum_.train.bytes() + (sum_.valid ? sum_.valid->bytes() : 0) + (sum_.test ? sum_.test->bytes() : 0),
              .transform = std::move(transform),
              .fingerprint = std::move(fingerprint)};
  }

  [[nodiscard]] const math::ParameterLayout& layout() const override { return sum_.objective->layout(); }
  [[nodiscard]] const model::Regularizer& regularizer() const override { return sum_.regularizer; }
  void find_curvature(comm::Communicator& comm) override {
    sum_.curvature = curvature_bounds(*sum_.objective, sum_.train, comm);
  }
  [[nodiscard]] std::unique_ptr<Session> open(comm::Communicator& comm, const math::Threads& threads,
                                              const EngineOptions& options, const math::StateLayout& state) const override {
    return std::make_unique<Engine<Real>>(comm, threads, sum_, options, state.vectors().size(), state.per_example().size());
  }
  [[nodiscard]] Predictions predict(const std::function<void(Values)>& fill) const override;

 private:
  LocalSum<Real> sum_;
};

template <class Real>
Predictions LoadedProblem<Real>::predict(const std::function<void(Values)>& fill) const {
  const auto& objective = *sum_.objective;
  const data::Dataset<Real>& rows = sum_.train;
  math::Buffer<Real> point(objective.layout().extent());
  fill(point.span());
  const model::PreparedPoint<Real> prepared(objective, point.span());

  Predictions all{.outputs = objective.outputs(), .classes = rows.shape().classes, .scores = {}, .predicted = {}};
  all.scores.resize(rows.rows() * all.outputs);
  if (!all.classes.empty()) all.predicted.resize(rows.rows());
  const auto tape = objective.make_tape();
  data::Gathered<Real> gathered;
  std::vector<std::uint32_t> places;
  std::vector<Real> out;
  const std::uint32_t leaf = default_leaf(rows.plan().count());
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

template <class Real>
data::Dataset<Real> rows_in_memory(const model::UserRows& rows, int rank, int ranks) {
  if (rows.count == 0) base::fail(ExitCode::bad_data, "rows given in memory: found none, expected one at least");
  if (rows.rows.size() != rows.count * rows.features || rows.targets.size() != rows.count) {
    base::fail(ExitCode::bad_data, "rows given in memory: found {} numbers and {} targets, expected {} x {} and {}",
               rows.rows.size(), rows.targets.size(), rows.count, rows.features, rows.count);
  }
  const std::vector<Real> values(rows.rows.begin(), rows.rows.end());
  const std::vector<Real> targets(rows.targets.begin(), rows.targets.end());
  const auto expect_finite = [](std::span<const Real> numbers, std::size_t in_a_row, const char* what) {
    const auto bad = std::ranges::find_if(numbers, [](Real v) { return !std::isfinite(v); });
    if (bad == numbers.end()) return;
    const auto place = static_cast<std::size_t>(bad - numbers.begin());
    base::fail(ExitCode::bad_data, "rows given in memory: row {}, {} {}: found {}, expected a finite {}", place / in_a_row,
               what, place % in_a_row, *bad, kTypeName<Real>);
  };
  expect_finite(values, rows.features, "feature");
  expect_finite(targets, 1, "target");
  return data::in_memory<Real>({.count = rows.count, .features = rows.features, .sparse = false, .classes = {}}, values,
                               targets, rank, ranks);
}

/// Rows that hold nothing but their number: a named problem's terms need no more.
model::UserRows numbered_rows(std::size_t count) {
  return {.count = count, .features = 1, .rows = std::vector<double>(count), .targets = std::vector<double>(count)};
}

bool takes_classes(const ProblemSource& source) {
  if (source.objective) return source.objective->classes;
  return source.terms == nullptr && source.model.classes;
}

template <class Real>
std::unique_ptr<model::Objective<Real>> own_objective(const model::OwnObjective& own, const data::Shape& shape) {
  const auto& make = [&]() -> const auto& {
    if constexpr (sizeof(Real) == sizeof(float)) {
      return own.in_float32;
    } else {
      return own.in_float64;
    }
  }
  ();
  if (!make)
    base::fail(ExitCode::bad_config, "run.precision: found {}, which the program's own objective is not given in",
               kTypeName<Real>);
  return make(shape);
}

template <class Real>
std::unique_ptr<model::Objective<Real>> build_terms(const ProblemSource& source, const data::Shape& shape) {
  if (source.objective) return own_objective<Real>(*source.objective, shape);
  if (source.terms != nullptr) return std::make_unique<model::UserObjective<Real>>(source.terms);
  if (source.problem) return std::make_unique<model::UserObjective<Real>>(source.problem->problem);
  return model::build_objective<Real>(source.model, shape);
}

template <class Real>
std::unique_ptr<Problem> make_problem(const ProblemSource& source, data::Parts<Real> parts) {
  auto objective = build_terms<Real>(source, parts.train.shape());
  model::Regularizer omega(source.regularizer, objective->layout());
  return std::make_unique<LoadedProblem<Real>>(LocalSum<Real>{.objective = std::move(objective),
                                                              .regularizer = std::move(omega),
                                                              .train = std::move(parts.train),
                                                              .valid = std::move(parts.valid),
                                                              .test = std::move(parts.test)},
                                               std::move(parts.transform), std::move(parts.fingerprint));
}

template <class Real>
std::unique_ptr<Problem> load_as(const ProblemSource& source, int rank, int ranks, const base::Log& log) {
  data::Parts<Real> parts;
  if (source.rows != nullptr || source.problem) {
    const model::UserRows numbers = source.problem ? numbered_rows(source.problem->problem->terms()) : model::UserRows{};
    const model::UserRows& rows = source.problem ? numbers : *source.rows;
    parts.train = rows_in_memory<Real>(rows, rank, ranks);
    parts.fingerprint = data::fingerprint(rows.features, rows.rows, rows.targets);
  } else {
    const auto targets = takes_classes(source) ? data::TargetKind::classes : data::TargetKind::numbers;
    parts = data::load<Real>(source.data, targets, rank, ranks, log);
  }
  return make_problem<Real>(source, std::move(parts));
}

template <class Real>
std::unique_ptr<Problem> load_other_as(const ProblemSource& source, const data::Source& other, const data::Fixed& fixed,
                                       data::Labels labels, int rank, int ranks) {
  const auto targets = takes_classes(source) ? data::TargetKind::classes : data::TargetKind::numbers;
  data::Parts<Real> parts;
  parts.train = data::load_with<Real>(other, targets, fixed, rank, ranks, labels);
  return make_problem<Real>(source, std::move(parts));
}

}  // namespace

std::unique_ptr<Problem> load(const ProblemSource& source, int rank, int ranks, const base::Log& log) {
  return source.precision == math::Precision::float32 ? load_as<float>(source, rank, ranks, log)
                                                      : load_as<double>(source, rank, ranks, log);
}

std::unique_ptr<Problem> load_other(const ProblemSource& source, const data::Source& other, const data::Fixed& fixed,
                                    data::Labels labels, int rank, int ranks) {
  return source.precision == math::Precision::float32 ? load_other_as<float>(source, other, fixed, labels, rank, ranks)
                                                      : load_other_as<double>(source, other, fixed, labels, rank, ranks);
}

}  // namespace talweg::engine
