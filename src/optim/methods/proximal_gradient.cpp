// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/composite.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kProximalGradientRule = R"(
x_t = prox_{lr Omega}(x_{t-1} - lr grad f(x_{t-1}))
search = "backtracking" (Beck & Teboulle 2009): lr times shrink until f(x_t) <= f + g'd + |d|^2 / (2 lr),
  d = x_t - x_{t-1}; lr never grows again
|g| is reported as |d| / lr.
)";

class ProximalGradient final : public Method {
 public:
  explicit ProximalGradient(const base::Section& s)
      : lr_(StepSize::read(s, "lr", "1/L", "step length; with a search the first one that is tried")),
        search_(s.choice("search", "none", {"none", "backtracking"}, "lr as it is, or shortened where it is too long") ==
                "backtracking") {
    if (search_) backtracking_ = Backtracking::read(s);
  }

  Needs needs() const override { return lr_.needs() | finds_its_lengths(search_) | Needs{Need::full_batch}; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.scalar("proximal_gradient.length");  // the last one; 0: none yet
  }

  [[nodiscard]] Grain grain() const override { return search_ ? Grain::global : Grain::element; }
  Cost cost(const CostPoint& p) const override {
    Cost cost = lr_.cost(p) + Cost{.gradients = p.n};
    if (search_) cost = cost + Cost{.values = p.n * backtracking_.tries, .bound = true};
    return cost;
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    double length = lr_.rate(context);
    const Temporary g(space);
    const Temporary next(space);
    const GradientAnswer answer = oracle.gradient_into(x, oracle.all(), g);
    StepReport report{.loss = answer.value};
    ProximalStep taken;
    if (search_) {
      double& last = context.state.scalar("proximal_gradient.length");
      if (last > 0) length = last;
      const double value = answer.value + oracle.smooth_omega(x);
      Tried tried(value);
      const auto accepted = backtrack(oracle, x, value, g, length, backtracking_, next, tried);
      report.gradient_norm = std::sqrt(answer.sums[0]);
      if (!accepted) return no_length_found(std::move(report), tried);
      taken = *accepted;
      last = taken.length;
    } else {
      taken = proximal_step(oracle, x, g, length, next);
    }
    taken.tell(report);
    space.copy(next, x);
    return report;
  }

 private:
  StepSize lr_;
  bool search_;
  Backtracking backtracking_;
};

}  // namespace

extern const Entry entry_proximal_gradient;
const Entry entry_proximal_gradient{
    .name = "proximal_gradient",
    .title = "Proximal gradient method (ISTA, forward-backward splitting)",
    .rule = text_of(kProximalGradientRule),
    .source = "Lions & Mercier, SIAM J. Numer. Anal. 16 (1979); Beck & Teboulle, SIAM J. Imaging Sci. 2 (2009), ISTA",
    .cost = "n gradients; with a search n values for each length tried",
    .guarantee =
        "f convex with L-Lipschitz gradient, lr = 1/L: F(x_N) - F* <= a L |x_0 - x*|^2 / (2 N), a = 1, with backtracking "
        "1/shrink (Beck & Teboulle 2009, theorem 3.1). f not convex: min over k < N of |x_{k+1} - x_k|^2 L^2 <= 2 L (F(x_0) - "
        "inf F) / N",
    .make_method = make<ProximalGradient, Method>,
};

}  // namespace talweg::optim
