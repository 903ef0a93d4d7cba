// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "optim/ending.hpp"
#include "optim/line_search.hpp"
#include "optim/pairs.hpp"
#include "optim/searches.hpp"
#include "optim/standstill.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kLbfgsRule = R"(
d = -H g by the two-loop recursion (Nocedal 1980), H from the pairs s_k = x_k - x_{k-1}, y_k = g_k - g_{k-1} of the last
  `memory` steps, H_0 = (s'y / y'y) I
x_t = x_{t-1} + a d, a by strong Wolfe, near a minimum by the approximate Wolfe test
Where no length is found the pairs are dropped once.
)";

class Lbfgs final : public Method {
 public:
  explicit Lbfgs(const base::Section& s)
      : pairs_("lbfgs", static_cast<std::size_t>(s.integer("memory", 10, {.low = 1, .high = 100}, "pairs kept"))),
        wolfe_(WolfeOptions::read(s, 0.9)) {}

  Needs needs() const override { return finds_its_lengths() | Needs{Need::full_batch, Need::smooth_omega}; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("lbfgs.gradient");  // at x
    pairs_.declare(layout);
    layout.counter("lbfgs.started");
    layout.scalar("lbfgs.loss");  // mean f_i at x
    layout.scalar("lbfgs.gradient_norm");
    standstill_.declare(layout);
  }

  Cost cost(const CostPoint& p) const override {
    const std::int64_t gradients = p.step == 0 ? 2 * p.n : p.n;
    return {
        .gradients = gradients, .values = p.n * 2 * wolfe_.requests * 3, .bound = true};  // two searches, three lengths at most
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    math::State& state = context.state;
    const Vector x = context.x();
    const Vector g = state.vector("lbfgs.gradient");
    double& loss = state.scalar("lbfgs.loss");
    double& norm = state.scalar("lbfgs.gradient_norm");
    if (state.counter("lbfgs.started") == 0) {
      const GradientAnswer first = oracle.gradient_into(x, oracle.all(), g);
      loss = first.value;
      norm = std::sqrt(first.sums[0]);
      state.counter("lbfgs.started") = 1;
    }
    StepReport report{.loss = loss, .gradient_norm = norm};
    if (norm == 0) return ends(std::move(report), Outcome::converged, "the gradient is zero");
    if (standstill_.at(state, loss + oracle.smooth_omega(x), norm)) return Standstill::ends(std::move(report));
    const Temporary direction(space);
    std::optional<LinePoint> accepted;
    while (!accepted) {
      pairs_.two_loop(context, g, direction);
      const LinePoint start{.length = 0, .value = loss + oracle.smooth_omega(x), .slope = space.dot(g, direction)};
      const bool plain = pairs_.count(state) == 0;
      WolfeSearch search;
      if (start.slope < 0) search = wolfe_search(oracle, x, direction, start, plain ? std::min(1.0, 1 / norm) : 1.0, wolfe_);
      accepted = search.accepted;
      if (accepted) break;
      if (plain) return no_wolfe_length(std::move(report), start, search);
      pairs_.count(state) = 0;
    }
    const Temporary next(space);
    const Temporary gradient(space);
    space.combine(1, x, accepted->length, direction, next);
    const GradientAnswer answer = oracle.gradient_into(next, oracle.all(), gradient);
    report.update_norm = accepted->length * space.norm(direction);
    pairs_.remember(context, x, next, g, gradient);
    space.copy(next, x);
    space.copy(gradient, g);
    loss = answer.value;
    norm = std::sqrt(answer.sums[0]);
    report.learning_rate = accepted->length;
    return report;
  }

 private:
  Pairs pairs_;
  WolfeOptions wolfe_;
  Standstill standstill_{"lbfgs"};
};

}  // namespace

extern const Entry entry_lbfgs;
const Entry entry_lbfgs{
    .name = "lbfgs",
    .title = "L-BFGS: limited-memory BFGS with a Wolfe line search",
    .rule = text_of(kLbfgsRule),
    .source = "Liu & Nocedal, Math. Prog. 45 (1989); approximate Wolfe test of Hager & Zhang, SIAM J. Optim. 16 (2005)",
    .cost = "n gradients, and n values for each length tried (1 as a rule)",
    .guarantee =
        "strongly convex F, L-Lipschitz gradient: linear convergence (Liu & Nocedal 1989, theorem 6.1). Non-convex: no rate "
        "for this form; pairs without positive curvature are left out",
    .make_method = make<Lbfgs, Method>,
};

}  // namespace talweg::optim
