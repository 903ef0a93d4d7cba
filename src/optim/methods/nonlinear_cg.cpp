// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "optim/ending.hpp"
#include "optim/line_search.hpp"
#include "optim/searches.hpp"
#include "optim/standstill.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kNonlinearCgRule = R"(
d_t = -g_t + b d_{t-1},  b = max(0, g_t'(g_t - g_{t-1}) / |g_{t-1}|^2)
x_t = x_{t-1} + a d_{t-1}, a by strong Wolfe from a_{t-1} (g_{t-1}'d_{t-1}) / (g_t'd_t), near a minimum by the
  approximate Wolfe test
b = 0 every `restart_every` steps and where d would not descend
)";

class NonlinearCg final : public Method {
 public:
  explicit NonlinearCg(const base::Section& s)
      : restart_every_(s.integer("restart_every", 0, base::Range::non_negative(), "steps; 0: the number of parameters")),
        wolfe_(WolfeOptions::read(s, 0.1)) {}

  Needs needs() const override { return finds_its_lengths() | Needs{Need::full_batch, Need::smooth_omega}; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("nonlinear_cg.gradient");   // at x
    layout.vector("nonlinear_cg.direction");  // d at x
    layout.scalar("nonlinear_cg.loss");       // mean f_i at x
    layout.scalar("nonlinear_cg.squared");    // |g|^2
    layout.scalar("nonlinear_cg.slope");      // g'd at x
    layout.scalar("nonlinear_cg.first");      // the length to try first; 0: not begun
    layout.counter("nonlinear_cg.since");     // directions since the last restart
    standstill_.declare(layout);
  }

  Cost cost(const CostPoint& p) const override {
    return {.gradients = p.step == 0 ? 2 * p.n : p.n, .values = p.n * 2 * wolfe_.requests * 3, .bound = true};
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    math::State& state = context.state;
    const Vector x = context.x();
    const Vector g = state.vector("nonlinear_cg.gradient");
    const Vector d = state.vector("nonlinear_cg.direction");
    double& loss = state.scalar("nonlinear_cg.loss");
    double& squared = state.scalar("nonlinear_cg.squared");
    double& slope = state.scalar("nonlinear_cg.slope");
    double& first = state.scalar("nonlinear_cg.first");
    std::int64_t& since = state.counter("nonlinear_cg.since");
    const auto steepest = [&] {
      space.combine(-1, g, 0, g, d);
      slope = -squared;
      since = 0;
    };
    if (first == 0) {
      const GradientAnswer answer = oracle.gradient_into(x, oracle.all(), g);
      loss = answer.value;
      squared = answer.sums[0];
      steepest();
      first = std::min(1.0, 1 / std::sqrt(squared));
    }
    StepReport report{.loss = loss, .gradient_norm = std::sqrt(squared)};
    if (squared == 0) return ends(std::move(report), Outcome::converged, "the gradient is zero");
    const double value = loss + oracle.smooth_omega(x);
    if (standstill_.at(state, value, report.gradient_norm)) return Standstill::ends(std::move(report));
    Vector along = d;
    const auto start = [&] { return LinePoint{.length = 0, .value = value, .slope = slope}; };
    WolfeSearch search = wolfe_search(oracle, x, along, start(), first, wolfe_);
    const Temporary back(space);  // not in d yet: the step may be cut off
    if (!search.accepted && since > 0) {
      space.combine(-1, g, 0, g, back);
      along = back;
      slope = -squared;
      since = 0;
      first = std::min(1.0, 1 / std::sqrt(squared));
      search = wolfe_search(oracle, x, along, start(), first, wolfe_);
    }
    if (!search.accepted) return no_wolfe_length(std::move(report), start(), search);
    const double length = search.accepted->length;
    const Temporary next(space);
    const Temporary gradient(space);
    space.combine(1, x, length, along, next);
    const GradientAnswer answer = oracle.gradient_into(next, oracle.all(), gradient);

    report.update_norm = length * space.norm(along);
    const auto change = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const auto old = [&](std::size_t i) { return static_cast<double>(v[0][i]); };
      const auto now = [&](std::size_t i) { return static_cast<double>(v[1][i]); };
      return math::Sums{math::lane_sum(v.count, [&](std::size_t i) { return now(i) * (now(i) - old(i)); }),
                        math::lane_sum(v.count, [&](std::size_t i) { return now(i) * static_cast<double>(v[2][i]); })};
    });
    const math::Sums sums = space.for_each_block({}, std::array<Vector, 3>{g, gradient, along}, change);
    const double before = squared;
    const double old_slope = slope;
    const std::int64_t every = restart_every_ > 0 ? restart_every_ : static_cast<std::int64_t>(space.layout().parameters());
    const double b = since + 1 >= every ? 0 : std::max(0.0, sums[0] / before);
    loss = answer.value;
    squared = answer.sums[0];
    slope = -squared + b * sums[1];
    space.copy(next, x);
    space.copy(gradient, g);
    if (b == 0 || !(slope < 0)) {
      steepest();
    } else {
      space.combine(-1, gradient, b, along, d);
      ++since;
    }
    first = length * old_slope / slope;
    if (!(first > 0) || !std::isfinite(first)) first = length;
    report.learning_rate = length;
    return report;
  }

 private:
  std::int64_t restart_every_;
  WolfeOptions wolfe_;
  Standstill standstill_{"nonlinear_cg"};
};

}  // namespace

extern const Entry entry_nonlinear_cg;
const Entry entry_nonlinear_cg{
    .name = "nonlinear_cg",
    .title = "Nonlinear conjugate gradients (PR+) with a Wolfe line search",
    .rule = text_of(kNonlinearCgRule),
    .source = "Polak & Ribiere 1969, Polyak 1969; Gilbert & Nocedal, SIAM J. Optim. 2 (1992)",
    .cost = "n gradients (2 n in the first step), and n values for each length tried",
    .guarantee =
        "bounded level set, L-Lipschitz gradient, every d of sufficient descent: lim inf |grad F| = 0 (Gilbert & Nocedal 1992, "
        "theorem 4.3); directions without descent are restarted here. A quadratic of d variables with exact searches: d steps",
    .make_method = make<NonlinearCg, Method>,
};

}  // namespace talweg::optim
