// SPDX-License-Identifier: Apache-2.0
// Approximate second-order conditions (Nesterov & Polyak 2006; Jin et al. 2017): x is an (epsilon, delta) critical point of
// second order when |grad F(x)| <= epsilon and the smallest eigenvalue of the Hessian is >= -delta.
#include <cmath>
#include <nlohmann/json.hpp>

#include "talweg/comm/agree.hpp"
#include "talweg/optim/lanczos.hpp"
#include "talweg/train/stored_model.hpp"
#include "train/stored_problem.hpp"

namespace talweg::train {
namespace {

/// |x - prox(x - grad)| (with a smooth Omega: |grad|).
template <class Real>
double stationarity(engine::Engine<Real>& engine, optim::Vector x) {
  optim::Oracle& oracle = engine.oracle(engine::Asker::observer);
  const optim::Temporary gradient(oracle.space());
  const double norm = std::sqrt(oracle.gradient_into(x, oracle.all(), gradient).sums[0]);
  const math::Proximal* proximal = oracle.proximal();
  if (proximal == nullptr) return norm;
  const auto moved = math::block_kernel([proximal]<class T>(const math::Block& block, math::Arrays<T> v) {
    std::vector<T> forward(block.count);
    const std::vector<T> steps(block.count, T{1});
    for (std::size_t i = 0; i < block.count; ++i) forward[i] = v[0][i] - v[1][i];
    proximal->apply(block, forward, steps);
    double sum = 0;
    for (std::size_t i = 0; i < block.count; ++i)
      sum += std::pow(static_cast<double>(v[0][i]) - static_cast<double>(forward[i]), 2);
    return math::Sums{sum};
  });
  return std::sqrt(oracle.space().for_each_block({}, std::array<optim::Vector, 2>{x, gradient}, moved)[0]);
}

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
    c.gradient_norm = stationarity(engine, x);
    optim::Oracle& oracle = engine.oracle(engine::Asker::observer);
    const optim::Temporary eigenvector(oracle.space());
    const optim::Eigenpair pair = optim::smallest_eigenpair(
        oracle, x, oracle.all(), {.iterations = options.iterations, .tolerance = options.lanczos_tolerance, .seed = 1},
        eigenvector);
    c.smallest_eigenvalue = pair.value;
    c.residual = pair.residual;
    c.largest_eigenvalue = pair.largest;
    c.hvps = pair.iterations;
    c.exhausted = pair.exhausted;
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
                         c.smallest_eigenvalue - c.residual > 0 ? "; strictly convex here" : "");
    case Verdict::undecided:
      break;
  }
  return fmt::format("undecided: critical, but the residual leaves room for curvature below -{:g}; ask for more --iterations",
                     delta);
}

}  // namespace

Verdict judge(const Certificate& c) {
  if (!(c.gradient_norm <= c.gradient_tolerance)) return Verdict::not_critical;
  if (c.smallest_eigenvalue < -c.curvature_tolerance) return Verdict::saddle;  // a Rayleigh quotient bounds from above: certain
  if (c.smallest_eigenvalue - c.residual >= -c.curvature_tolerance) return Verdict::local_minimum;
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
      {"smooth", c.smooth},
      {"gradient_tolerance", c.gradient_tolerance},
      {"curvature_tolerance", c.curvature_tolerance},
      {"verdict", name_of(c.verdict)},
  };
  return json.dump(2);
}

std::string to_text(const Certificate& c) {
  std::string text = fmt::format("{} (step {})\n", c.file, c.step);
  text += fmt::format("  gradient    |grad F| = {:.3e} over all training examples (critical when <= {:g})\n", c.gradient_norm,
                      c.gradient_tolerance);
  text += fmt::format(
      "  curvature   smallest eigenvalue {:.3e}, residual {:.1e} ({} Hessian-vector products{}); largest {:.3e}\n",
      c.smallest_eigenvalue, c.residual, c.hvps, c.exhausted ? ", the whole Krylov space" : "", c.largest_eigenvalue);
  if (!c.smooth) text += "              (relu: the Hessian of the active linear pieces)\n";
  return text + fmt::format("  verdict     {}\n", explain(c));
}

}  // namespace talweg::train
