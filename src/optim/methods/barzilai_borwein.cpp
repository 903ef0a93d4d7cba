// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "optim/composite.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kBarzilaiBorweinRule = R"(
x_t = prox_{a Omega}(x_{t-1} - a g),  a the first of t, t shrink, t shrink^2, ... with
  F(x_t) <= max of the last `window` F(x_j) - sufficient |x_t - x_{t-1}|^2 / (2 a)
next t, with s = x_t - x_{t-1}, y = g_t - g_{t-1}:
  form = "long": s's / s'y;  "short": s'y / y'y;  or both by turns; kept within [1e-10, 1e10]
  without positive curvature 1, or 1 / |g| within [1, 1e5] (Raydan)
)";

constexpr double kShortest = 1e-10;
constexpr double kLongest = 1e10;
constexpr double kRounding = 1e-14;  // of |F|: what two equal values may differ by

class BarzilaiBorwein final : public Method {
 public:
  explicit BarzilaiBorwein(const base::Section& s)
      : lr_(StepSize::read(s, "lr", "1/L", "the first length")),
        backtracking_(Backtracking::read(s)),
        window_(static_cast<std::size_t>(
            s.integer("window", 10, {.low = 1, .high = 1000}, "last values whose largest F must fall below; 1: monotone"))),
        sufficient_(s.number("sufficient", 1e-4, {.low = 0, .high = 1, .open_low = true, .open_high = true},
                             "share of |x_t - x_{t-1}|^2 / (2 a) that F must fall by")) {
    const std::string form = s.choice("form", "long", {"long", "short", "alternate"}, "which of the two lengths, or by turns");
    long_ = form != "short";
    short_ = form != "long";
  }

  Needs needs() const override { return lr_.needs() | finds_its_lengths() | Needs{Need::full_batch}; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.vector("barzilai_borwein.gradient");        // at x
    layout.scalar("barzilai_borwein.loss");            // mean f_i at x
    layout.scalar("barzilai_borwein.length");          // to try first; 0: not begun
    layout.array("barzilai_borwein.values", window_);  // F at the last points, a ring
    layout.counter("barzilai_borwein.points");         // seen
  }

  Cost cost(const CostPoint& p) const override {
    return lr_.cost(p) + Cost{.gradients = p.step == 0 ? 2 * p.n : p.n, .values = p.n * backtracking_.tries, .bound = true};
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    math::State& state = context.state;
    const Vector x = context.x();
    const Vector g = state.vector("barzilai_borwein.gradient");
    double& loss = state.scalar("barzilai_borwein.loss");
    double& length = state.scalar("barzilai_borwein.length");
    const auto values = state.array("barzilai_borwein.values");
    std::int64_t& points = state.counter("barzilai_borwein.points");
    if (points == 0) {
      length = lr_.length(context);
      loss = oracle.gradient_into(x, oracle.all(), g).value;
      values[0] = objective_at(oracle, x, loss);
      points = 1;
    }
    StepReport report{.loss = loss};
    const auto seen = std::min(static_cast<std::size_t>(points), window_);
    const double highest = *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(seen));

    const Temporary next(space);
    Tried tried(highest);
    const auto accepted = shorten(oracle, x, g, length, backtracking_, next, tried, [&](const ProximalStep& step) -> Judgement {
      const double value = smooth_at(oracle, x, next).value + oracle.nonsmooth_omega(next);
      const double fall = sufficient_ * step.squared / (2 * step.length);
      return {value <= highest - fall + kRounding * std::abs(highest), value};
    });
    if (!accepted) {
      report.gradient_norm = space.norm(g);
      return no_length_found(std::move(report), tried);
    }
    const Temporary gradient(space);
    const GradientAnswer answer = oracle.gradient_into(next, oracle.all(), gradient);
    const double value = objective_at(oracle, next, answer.value);

    const auto accept = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const auto s = [&](std::size_t i) { return static_cast<double>(v[2][i]) - static_cast<double>(v[0][i]); };
      const auto y = [&](std::size_t i) { return static_cast<double>(v[3][i]) - static_cast<double>(v[1][i]); };
      const math::Sums sums{math::lane_sum(v.count, [&](std::size_t i) { return s(i) * y(i); }),
                            math::lane_sum(v.count, [&](std::size_t i) { return y(i) * y(i); })};
      std::copy_n(v[2].begin(), v.count, v[0].begin());
      std::copy_n(v[3].begin(), v.count, v[1].begin());
      return sums;
    });
    const math::Sums sums = space.for_each_block(std::array<Vector, 2>{x, g}, std::array<Vector, 2>{next, gradient}, accept);
    accepted->tell(report);
    length = next_length(accepted->squared, sums[0], sums[1], std::sqrt(answer.sums[0]), points);
    loss = answer.value;
    values[static_cast<std::size_t>(points) % window_] = value;
    ++points;
    return report;
  }

 private:
  [[nodiscard]] double next_length(double ss, double sy, double yy, double norm, std::int64_t turn) const {
    if (!(sy > 0)) return norm > 1 ? 1.0 : std::min(1 / norm, 1e5);
    const bool shorter = short_ && (!long_ || turn % 2 == 0);
    return std::clamp(shorter ? sy / yy : ss / sy, kShortest, kLongest);
  }

  StepSize lr_;
  Backtracking backtracking_;
  std::size_t window_;
  double sufficient_;
  bool long_ = true;
  bool short_ = false;
};

}  // namespace

extern const Entry entry_barzilai_borwein;
const Entry entry_barzilai_borwein{
    .name = "barzilai_borwein",
    .title = "Barzilai-Borwein steps in a non-monotone search (Raydan's global method; SpaRSA with a non-smooth Omega)",
    .rule = text_of(kBarzilaiBorweinRule),
    .source =
        "Barzilai & Borwein, IMA J. Numer. Anal. 8 (1988); Grippo, Lampariello & Lucidi, SIAM J. Numer. Anal. 23 (1986); "
        "Raydan, SIAM J. Optim. 7 (1997); Wright, Nowak & Figueiredo (SpaRSA), IEEE Trans. Signal Process. 57 (2009)",
    .cost = "n gradients (2 n in the first step), and n values for each length tried",
    .guarantee =
        "F bounded below with bounded level set, gradient continuous: limit points are critical (Raydan 1997, theorem 2.1; "
        "SpaRSA, theorem 1). Without the search it may diverge. Strictly convex quadratics: R-linear (Dai & Liao 2002); no "
        "better rate than gradient descent's is known for general convex F",
    .make_method = make<BarzilaiBorwein, Method>,
};

}  // namespace talweg::optim
