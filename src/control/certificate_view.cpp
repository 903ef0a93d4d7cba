// SPDX-License-Identifier: Apache-2.0
#include "control/certificate_view.hpp"

#include <fmt/format.h>

#include "report/json_writer.hpp"

namespace talweg::control {
namespace {

using train::Certificate;
using train::Verdict;

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
                         c.convex_doubt <= train::kAllowedDoubt ? "; strictly convex here" : "");
    case Verdict::undecided:
      break;
  }
  return fmt::format("undecided: critical, but curvature below -{:g} may have been missed; ask for more --iterations", delta);
}

}  // namespace

std::string certificate_json(const Certificate& c) {
  report::JsonWriter json;
  json.object().field("checkpoint", c.file).field("step", c.step).field("gradient_norm", c.gradient_norm);
  json.field("smallest_eigenvalue", c.smallest_eigenvalue).field("residual", c.residual);
  json.field("largest_eigenvalue", c.largest_eigenvalue).field("hessian_vector_products", c.hvps);
  json.field("krylov_space_exhausted", c.exhausted).field("chance_of_missing_curvature", c.doubt).field("smooth", c.smooth);
  json.field("gradient_tolerance", c.gradient_tolerance).field("curvature_tolerance", c.curvature_tolerance);
  json.field("verdict", name_of(c.verdict)).end();
  return json.text();
}

std::string certificate_text(const Certificate& c) {
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

}  // namespace talweg::control
