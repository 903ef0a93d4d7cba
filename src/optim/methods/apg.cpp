// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "optim/composite.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kApgRule = R"(
y = (1 - q) x_{t-1} + q z_{t-1}
z_t = prox_{(s/q) Omega}(z_{t-1} - (s/q) grad f(y)): the prox acts on z, with the long step s / q
x_t = (1 - q) x_{t-1} + q z_t
q' = (sqrt(q^4 + 4 q^2) - q^2) / 2,  q_0 = 1
restart = "gradient": q = 1, z_t = x_t where (y - x_t)'(x_t - x_{t-1}) > 0 (O'Donoghue & Candes 2015)
Zeros of prox appear in z, and in x once z keeps them.
)";

class Apg final : public Method {
 public:
  explicit Apg(const base::Section& s)
      : lr_(StepSize::read(s, "lr", "1/L", "step length s")),
        restart_(s.choice("restart", "none", {"none", "gradient"}, "when the momentum is dropped: never, or by which test") ==
                 "gradient") {}

  Needs needs() const override { return lr_.needs() | Needs{Need::full_batch, Need::convex}; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.vector("apg.far", math::Initial::x0());  // z
    layout.scalar("apg.weight", 1);                 // q
    layout.counter("apg.restarts");
  }

  [[nodiscard]] Grain grain() const override { return restart_ ? Grain::global : Grain::element; }
  Cost cost(const CostPoint& p) const override { return lr_.cost(p) + Cost{.gradients = p.n}; }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    const Vector z = context.state.vector("apg.far");
    const double s = lr_.rate(context);
    double& q = context.state.scalar("apg.weight");
    const Temporary y(space);
    const Temporary g(space);
    const Temporary far(space);
    space.combine(1 - q, x, q, z, y);
    const GradientAnswer answer = oracle.gradient_into(y, oracle.all(), g);
    proximal_step(oracle, z, g, s / q, far);
    const Temporary next(space);
    space.combine(1 - q, x, q, far, next);
    const auto compare = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const auto step = [&](std::size_t i) { return static_cast<double>(v[1][i]) - static_cast<double>(v[0][i]); };
      const auto back = [&](std::size_t i) { return static_cast<double>(v[2][i]) - static_cast<double>(v[1][i]); };
      return math::Sums{math::lane_sum(v.count, [&](std::size_t i) { return step(i) * step(i); }),
                        math::lane_sum(v.count, [&](std::size_t i) { return step(i) * back(i); }),
                        math::lane_sum(v.count, [&](std::size_t i) { return back(i) * back(i); }),
                        math::squared_norm<Real>(v[1])};
    });
    const math::Sums sums = space.for_each_block({}, std::array<Vector, 3>{x, next, y}, compare);
    const bool restarts = restart_ && sums[1] > 0;
    space.copy(next, x);
    space.copy(restarts ? next : far, z);
    q = restarts ? 1 : (std::sqrt(q * q * q * q + 4 * q * q) - q * q) / 2;
    if (restarts) ++context.state.counter("apg.restarts");
    return {.loss = answer.value,
            .gradient_norm = std::sqrt(sums[2]) / s,
            .update_norm = std::sqrt(sums[0]),
            .parameter_norm = std::sqrt(sums[3]),
            .learning_rate = s};
  }

 private:
  StepSize lr_;
  bool restart_;
};

}  // namespace

extern const Entry entry_apg;
const Entry entry_apg{
    .name = "apg",
    .title = "Accelerated proximal gradient (Tseng), with restarts",
    .rule = text_of(kApgRule),
    .source =
        "Tseng, On accelerated proximal gradient methods for convex-concave optimization (2008), algorithm 1; restarts: "
        "O'Donoghue & Candes, Found. Comput. Math. 15 (2015)",
    .cost = "n gradients",
    .guarantee =
        "f convex with L-Lipschitz gradient, s = 1/L: F(x_N) - F* <= 2 L |x_0 - x*|^2 / (N + 1)^2 (corollary 1); restarts have "
        "no rate for general F",
    .make_method = make<Apg, Method>,
};

}  // namespace talweg::optim
