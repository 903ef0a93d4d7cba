// SPDX-License-Identifier: Apache-2.0
#include "train/open.hpp"

#include "comm/agree.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

void expect_the_methods_model(const RunConfig& run, const engine::ProblemFacts& facts) {
  const optim::Needs needs = run.method->needs();
  if (needs.has(optim::Need::hvp) && !facts.capabilities.hvp) {
    base::fail(ExitCode::bad_config, "method {} asks for Hessian-vector products, which {} does not give{}", run.method_name,
               facts.describe, needs.reasons(optim::Need::hvp));
  }
  if (needs.has(optim::Need::linear) && facts.example_numbers == 0) {
    base::fail(ExitCode::bad_config,
               "method {} asks for gradients that are so many numbers times the example, which {} does not give{}",
               run.method_name, facts.describe, needs.reasons(optim::Need::linear));
  }
}

/// Another folder, a stale copy: a rank that read other data would train another model.
void expect_same_data(const engine::ProblemFacts& facts, comm::Communicator& comm) {
  const std::string first = comm.broadcast_text(facts.fingerprint);
  comm::run_on_all_ranks(comm, [&] {
    if (facts.fingerprint != first) {
      base::fail(ExitCode::bad_data, "rank {} read other data than rank 0: found fingerprint {}, expected {}", comm.rank(),
                 facts.fingerprint, first);
    }
  });
}

}  // namespace

engine::ProblemSource source_of(const RunConfig& run, const TrainOptions& options) {
  return {.precision = run.run.precision,
          .regularizer = run.regularizer,
          .problem = run.problem,
          .terms = options.terms,
          .objective = options.objective,
          .model = run.model,
          .rows = options.rows ? &*options.rows : nullptr,
          .data = run.data};
}

std::unique_ptr<engine::Problem> open_problem(const RunConfig& run, const TrainOptions& options, comm::Communicator& comm,
                                              const base::Log& log) {
  comm.set_activity(comm::Activity::reading);
  std::unique_ptr<engine::Problem> problem;
  comm::run_on_all_ranks(comm, [&] {
    problem = engine::load(source_of(run, options), comm.rank(), comm.size(), comm.coordinator() ? log : base::Log{});
    expect_the_methods_model(run, problem->facts());
  });
  comm.set_activity(comm::Activity::starting);
  expect_same_data(problem->facts(), comm);
  return problem;
}

}  // namespace talweg::train
