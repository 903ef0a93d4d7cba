// SPDX-License-Identifier: Apache-2.0
#include "train/problem.hpp"

#include <algorithm>
#include <cmath>

#include "comm/agree.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

template <class Real>
data::Dataset<Real> rows_in_memory(const UserRows& rows, const comm::Communicator& comm) {
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
               what, place % in_a_row, *bad, sizeof(Real) == sizeof(float) ? "float32" : "float64");
  };
  expect_finite(values, rows.features, "feature");
  expect_finite(targets, 1, "target");
  return data::in_memory<Real>({.count = rows.count, .features = rows.features, .sparse = false, .classes = {}}, values,
                               targets, comm.rank(), comm.size());
}

/// Rows that say nothing but their number, which is what a problem's terms go by.
UserRows numbered_rows(std::size_t count) {
  return {.count = count, .features = 1, .rows = std::vector<double>(count), .targets = std::vector<double>(count)};
}

}  // namespace

template <class Real>
Loaded<Real> load_problem(const RunConfig& run, const TrainOptions& options, const comm::Communicator& comm,
                          const base::Log& log) {
  data::Parts<Real> parts;
  if (options.rows || run.problem) {
    const UserRows numbers = run.problem ? numbered_rows(run.problem->problem->terms()) : UserRows{};
    const UserRows& rows = run.problem ? numbers : *options.rows;
    parts.train = rows_in_memory<Real>(rows, comm);
    parts.fingerprint = data::fingerprint(rows.features, rows.rows, rows.targets);
  } else {
    const bool classes = options.terms == nullptr && run.model.classes;
    parts = data::load<Real>(run.data, classes ? data::TargetKind::classes : data::TargetKind::numbers, comm.rank(),
                             comm.size(), log);
  }
  std::unique_ptr<model::Objective<Real>> objective;
  if (options.terms != nullptr) {
    objective = std::make_unique<model::UserObjective<Real>>(options.terms);
  } else if (run.problem) {
    objective = std::make_unique<model::UserObjective<Real>>(run.problem->problem);
  } else {
    objective = model::build_objective<Real>(run.model, parts.train.shape());
  }
  const optim::Needs needs = run.method->needs();
  if (needs.hvp && !objective->capabilities().hvp) {
    base::fail(ExitCode::bad_config, "method {} asks for Hessian-vector products, which {} does not give{}", run.method_name,
               objective->describe(), needs.reasons(&optim::Needs::hvp));
  }
  if (needs.linear && objective->example_numbers() == 0) {
    base::fail(ExitCode::bad_config,
               "method {} asks for gradients that are so many numbers times the example, which {} does not give{}",
               run.method_name, objective->describe(), needs.reasons(&optim::Needs::linear));
  }
  model::Regularizer omega(run.regularizer, objective->layout());
  return {.problem = {.objective = std::move(objective),
                      .regularizer = std::move(omega),
                      .train = std::move(parts.train),
                      .valid = std::move(parts.valid),
                      .test = std::move(parts.test)},
          .facts = {.transform = std::move(parts.transform), .fingerprint = std::move(parts.fingerprint)}};
}

void expect_same_data(const RunFacts& facts, comm::Communicator& comm) {
  const std::string first = comm.broadcast_text(facts.fingerprint);
  comm::run_on_all_ranks(comm, [&] {
    if (facts.fingerprint != first) {
      base::fail(ExitCode::bad_data, "rank {} read other data than rank 0: found fingerprint {}, expected {}", comm.rank(),
                 facts.fingerprint, first);
    }
  });
}

void expect_data_of(const io::Checkpoint& checkpoint, const std::string& file, const RunFacts& facts) {
  if (checkpoint.fingerprint == facts.fingerprint) return;
  base::fail(ExitCode::bad_data, "{}: made from other data: fingerprint {}, the data now given has {}", file,
             checkpoint.fingerprint, facts.fingerprint);
}

template Loaded<float> load_problem<float>(const RunConfig&, const TrainOptions&, const comm::Communicator&, const base::Log&);
template Loaded<double> load_problem<double>(const RunConfig&, const TrainOptions&, const comm::Communicator&,
                                             const base::Log&);

}  // namespace talweg::train
