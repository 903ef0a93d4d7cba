// SPDX-License-Identifier: Apache-2.0
// Approximate second-order conditions (Nesterov & Polyak 2006; Jin et al. 2017): x is an (epsilon, delta) critical point of
// second order when |grad F(x)| <= epsilon and the smallest eigenvalue of the Hessian is >= -delta. A Ritz value below -delta
// proves the contrary; that none below was missed holds with the probability that Kuczynski and Wozniakowski give.
#include <cmath>

#include "comm/agree.hpp"
#include "optim/lanczos.hpp"
#include "train/evaluation.hpp"
#include "train/json.hpp"
#include "train/stored_model.hpp"
#include "train/stored_problem.hpp"

namespace talweg::train {
namespace {

constexpr double kDoubt = 0.01;     // chance of having missed curvature that a verdict may leave
constexpr double kResidual = 1e-3;  // relative; a direction of negative curvature this well resolved is not refined further

template <class Real>
Certificate certify_as(StoredRun& stored, const CertifyOptions& options, comm::Communicator& comm, const base::Log& log) {
  StoredProblem<Real> problem(stored, options.threads, comm, log);
  Certificate c;
  c.file = stored.file;
  c.step = stored.checkpoint.step;
  c.gradient_tolerance = options.gradient_tolerance;
  c.curvature_tolerance = options.curvature_tolerance > 0 ? options.curvature_tolerance : std::sqrt(options.gradient_tolerance);
  if (!problem.loaded.problem.objective->capabilities().hvp) {
    base::fail(base::ExitCode::bad_config, "{}: {} gives no Hessian-vector products: its curvature cannot be certified", c.file,
               problem.loaded.problem.objective->describe());
  }
  problem.coordinate(comm, [&](engine::Engine<Real>& engine, optim::Vector x) {
    c.gradient_norm = full_gradient_norm(engine, x);
    optim::Oracle& oracle = engine.oracle(engine::Asker::observer);
    const optim::Temporary eigenvector(oracle.space());
    const optim::Eigenpair pair = optim::smallest_eigenpair(
        oracle, x, oracle.all(),
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
                                            problem.loaded.problem.objective->layout().parameters());
    };
    c.doubt = doubt(-c.curvature_tolerance);
    c.convex_doubt = doubt(0);
  });
  c.smooth = problem.loaded.problem.objective->capabilities().smooth;
  c.verdict = judge(c);
  return c;
}

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::not_critical:
      return "not critical";
    case Verdict::local_minimum:
      return "local minimum";
    case Verdict::saddle:
      return "saddle";
    case Verdict::undecided:
      break;
  }
  return "undecided";
}

std::string explain(const Certificate& c) {
  const double epsilon = c.gradient_tolerance;
  const double delta = c.curvature_tolerance;
  switch (c.verdict) {
    case Verdict::not_critical:
      return fmt::format("not an approximate critical point: the gradient norm is above {:g}{}", epsilon,
                         c.smallest_eigenvalue < -delta ? "; there is negative curvature to descend along" : "");
    case Verdict::saddle:
      return fmt::format("an approximate saddle: critical, with a direction of curvature below -{:g}", delta);
    case Verdict::local_minimum:
      return fmt::format("an approximate local minimum: critical, with no curvature below -{:g}{}", delta,
                         c.convex_doubt <= kDoubt ? "; strictly convex here" : "");
    case Verdict::undecided:
      break;
  }
  return fmt::format("undecided: critical, but curvature below -{:g} may have been missed; ask for more --iterations", delta);
}

}  // namespace

Verdict judge(const Certificate& c) {
  if (!(c.gradient_norm <= c.gradient_tolerance)) return Verdict::not_critical;
  if (c.smallest_eigenvalue < -c.curvature_tolerance) return Verdict::saddle;  // a Rayleigh quotient bounds from above: certain
  if (c.doubt <= kDoubt) return Verdict::local_minimum;
  return Verdict::undecided;
}

Certificate certify(const std::filesystem::path& checkpoint, const CertifyOptions& options, comm::Communicator& comm,
                    const base::Log& log) {
  StoredRun stored = open_stored(checkpoint, comm);
  return stored.run.run.precision == math::Precision::float32 ? certify_as<float>(stored, options, comm, log)
                                                              : certify_as<double>(stored, options, comm, log);
}

std::string to_json(const Certificate& c) {
  const nlohmann::ordered_json json = {
      {"checkpoint", c.file},
      {"step", c.step},
      {"gradient_norm", c.gradient_norm},
      {"smallest_eigenvalue", c.smallest_eigenvalue},
      {"residual", c.residual},
      {"largest_eigenvalue", c.largest_eigenvalue},
      {"hessian_vector_products", c.hvps},
      {"krylov_space_exhausted", c.exhausted},
      {"chance_of_missing_curvature", c.doubt},
      {"smooth", c.smooth},
      {"gradient_tolerance", c.gradient_tolerance},
      {"curvature_tolerance", c.curvature_tolerance},
      {"verdict", name_of(c.verdict)},
  };
  return json_text(json);
}

std::string to_text(const Certificate& c) {
  std::string text = fmt::format("{} (step {})\n", c.file, c.step);
  text += fmt::format("  gradient    |grad F| = {:.3e} over all training examples (critical when <= {:g})\n", c.gradient_norm,
                      c.gradient_tolerance);
  text += fmt::format(
      "  curvature   smallest eigenvalue {:.3e}, residual {:.1e} ({} Hessian-vector products{}); largest {:.3e}\n",
      c.smallest_eigenvalue, c.residual, c.hvps, c.exhausted ? ", the whole Krylov space" : "", c.largest_eigenvalue);
  if (c.smallest_eigenvalue >= -c.curvature_tolerance) {
    text += fmt::format("              chance that curvature below -{:g} was missed: at most {:.1e}\n", c.curvature_tolerance,
                        c.doubt);
  }
  if (!c.smooth) text += "              (relu: the Hessian of the active linear pieces)\n";
  return text + fmt::format("  verdict     {}\n", explain(c));
}

}  // namespace talweg::train
