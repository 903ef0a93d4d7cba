// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/averaging.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kStormRule = R"(
g_t = grad F_{B_t}(x_{t-1})
d_1 = g_1,   d_t = g_t + (1 - a_t) (d_{t-1} - grad F_{B_t}(x_{t-2}))
a_{t+1} = (1 + sum_{i<=t} |g_i|^2 / G^2)^(-2/3)
x_t = x_{t-1} - lr_t d_t,   lr_t = lr (sum_{i<=t} |d_i|^2 / a_{i+1})^(-1/3)
lr = 1 and G = 1 are the paper's, whose assumptions have gradients of order 1: a is the weight of what is new, and where
gradients are of order 100 the first minibatch's error would stay for 10^4 steps and more. So G = gradient_scale is |g_1|
unless it is given. The step's length and the estimate share their sums, so this is a method and no estimator.
)";

class Storm final : public Method {
 public:
  explicit Storm(const base::Section& s)
      : lr_(s.number("lr", 1.0, base::Range::positive(), "factor of the sequence's own step lengths; the paper's is 1")),
        scale_(s.number("gradient_scale", 0.0, base::Range::non_negative(), "G, 1 in the paper; 0: |g_1|")),
        averaging_(s, true) {}

  Needs needs() const override { return {Need::smooth_omega}; }
  [[nodiscard]] std::string_view output() const override { return averaging_.averages() ? Averaging::kSlot : "x"; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("storm.direction");  // d_{t-1}
    layout.vector("storm.before");     // x_{t-2}
    layout.scalar("storm.scale");      // G^2
    layout.scalar("storm.gradients");  // sum |g_i|^2 / G^2
    layout.scalar("storm.weighted");   // sum |d_i|^2 / a_{i+1}
    averaging_.declare(layout);
  }

  Cost cost(const CostPoint& p) const override { return {.gradients = p.step == 0 ? p.batch : 2 * p.batch}; }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    math::State& state = context.state;
    const Vector x = context.x();
    const Vector direction = state.vector("storm.direction");
    const Vector before = state.vector("storm.before");
    double& scale = state.scalar("storm.scale");
    double& gradients = state.scalar("storm.gradients");
    double& weighted = state.scalar("storm.weighted");
    const Batch batch = oracle.draw(static_cast<std::uint64_t>(context.progress.step));

    const Temporary g(space);
    const Temporary d(space);
    const GradientAnswer answer = oracle.gradient_into(x, batch, g);
    double squared = answer.sums[0];  // |d_t|^2
    if (context.progress.step > 0) {
      const double keep = 1 - momentum(gradients);
      squared = oracle.gradient_into({.terms = {{-keep, before}}, .shifts = {{keep, direction}, {1.0, g}}, .batch = batch}, d)
                    .sums[0];
    } else {
      space.copy(g, d);
    }
    if (context.progress.step == 0) {
      scale = scale_ * scale_;
      if (scale == 0) scale = answer.sums[0] > 0 ? answer.sums[0] : 1;
    }
    gradients += answer.sums[0] / scale;
    weighted += squared / momentum(gradients);
    const double lr = weighted > 0 ? lr_ * context.progress.factor / std::cbrt(weighted) : 0;
    const auto move = math::block_kernel([lr]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const Real rate = static_cast<Real>(lr);
      for (std::size_t i = 0; i < v.count; ++i) {
        v[1][i] = v[0][i];  // x_{t-1}
        v[2][i] = v[3][i];  // d_t
        v[0][i] -= rate * v[3][i];
      }
      return math::Sums{math::squared_norm<Real>(v[0])};
    });
    const double moved = space.for_each_block({{x, before, direction}}, {{d}}, move)[0];
    averaging_.apply(context, context.progress.step + 1, "x");
    return {.loss = answer.value,
            .gradient_norm = std::sqrt(squared),
            .update_norm = lr * std::sqrt(squared),
            .parameter_norm = std::sqrt(moved),
            .learning_rate = lr};
  }

 private:
  /// a after gradients whose squared norms, over G^2, sum to `gradients`.
  static double momentum(double gradients) { return std::pow(1 + gradients, -2.0 / 3); }

  double lr_;
  double scale_;
  Averaging averaging_;
};

}  // namespace

extern const Entry entry_storm;
const Entry entry_storm{
    .name = "storm",
    .title = "STORM+: stochastic recursive momentum without constants",
    .rule = text_of(kStormRule),
    .source = "Levy, Kavis & Cevher, NeurIPS 2021, arXiv:2111.01040; STORM: Cutkosky & Orabona, NeurIPS 2019, arXiv:1905.10018",
    .cost = "2 b gradients; b at the first step",
    .guarantee =
        "f_i bounded, Lipschitz and with Lipschitz gradients, independent batches, lr = 1, gradient_scale = 1: E |grad F| at a "
        "random iterate is O(1 / sqrt(T) + sigma^(1/3) / T^(1/3)), the optimal order in T, with no constant known (theorem 1)",
    .make_method = make<Storm, Method>,
};

}  // namespace talweg::optim
