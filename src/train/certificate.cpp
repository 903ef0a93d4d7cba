// SPDX-License-Identifier: Apache-2.0
// Approximate second-order conditions (Nesterov & Polyak 2006; Jin et al. 2017): x is an (epsilon, delta) critical point of
// second order when |grad F(x)| <= epsilon and the smallest eigenvalue of the Hessian is >= -delta. A Ritz value below -delta
// proves the contrary; that none below was missed holds with the probability that Kuczynski and Wozniakowski give.
#include <cmath>

#include "comm/agree.hpp"
#include "optim/lanczos.hpp"
#include "train/evaluation.hpp"
#include "train/stored_model.hpp"
#include "train/stored_run.hpp"

namespace talweg::train {
namespace {

constexpr double kResidual = 1e-3;  // relative; a direction of negative curvature this well resolved is not refined further

}  // namespace

Verdict judge(const Certificate& c) {
  if (!(c.gradient_norm <= c.gradient_tolerance)) return Verdict::not_critical;
  if (c.smallest_eigenvalue < -c.curvature_tolerance) return Verdict::saddle;  // a Rayleigh quotient bounds from above: certain
  if (c.doubt <= kAllowedDoubt) return Verdict::local_minimum;
  return Verdict::undecided;
}

Certificate certify(const std::filesystem::path& checkpoint, const CertifyOptions& options, comm::Communicator& comm,
                    const base::Log& log) {
  const StoredRun stored = open_stored(checkpoint, comm);
  const std::unique_ptr<engine::Problem> problem = open_problem_of(stored, comm, log);
  const engine::ProblemFacts& facts = problem->facts();
  Certificate c;
  c.file = stored.file;
  c.step = stored.checkpoint.step;
  c.gradient_tolerance = options.gradient_tolerance;
  c.curvature_tolerance = options.curvature_tolerance > 0 ? options.curvature_tolerance : std::sqrt(options.gradient_tolerance);
  comm::run_on_all_ranks(comm, [&] {
    if (facts.capabilities.hvp) return;
    base::fail(base::ExitCode::bad_config, "{}: {} gives no Hessian-vector products: its curvature cannot be certified", c.file,
               facts.describe);
  });
  const StoredPoint point(stored, *problem, options.threads, comm);
  comm::run_in_step(comm, [&] {
    c.gradient_norm = full_gradient_norm(*point.session, point.x);
    optim::Oracle& oracle = point.session->oracle(engine::Asker::observer);
    const optim::Temporary eigenvector(oracle.space());
    const optim::Eigenpair pair = optim::smallest_eigenpair(
        oracle, point.x, oracle.all(),
        {.iterations = options.iterations, .tolerance = kResidual, .stop_below = -c.curvature_tolerance, .seed = 1},
        eigenvector);
    c.smallest_eigenvalue = pair.value;
    c.residual = pair.residual;
    c.largest_eigenvalue = pair.largest;
    c.hvps = pair.iterations;
    c.exhausted = pair.exhausted;
    const auto doubt = [&](double threshold) {  // one product went into the residual
      return pair.exhausted && pair.value > threshold
                 ? 0.0
                 : optim::chance_of_missing(threshold, pair.value, pair.largest, pair.iterations - 1,
                                            problem->layout().parameters());
    };
    c.doubt = doubt(-c.curvature_tolerance);
    c.convex_doubt = doubt(0);
  });
  c.smooth = facts.capabilities.smooth;
  c.verdict = judge(c);
  return c;
}

}  // namespace talweg::train
