// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/random.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kPsgdRule = R"(
x_t = x_{t-1} - eta (grad F_B(x_{t-1}) + xi_t),  xi_t ~ N(0, (r^2 / d) I) in every step
practical: eta = lr and r = radius are given
theory:    eta = c / (L N chi), r = eps sqrt(N), N = 1 + min(s2 / eps^2 + l^2 / (L sqrt(rho eps)), s2 d / eps^2),
           chi = max(1, log(d L D N / (rho eps delta)))
Theorem 16 has eta and r up to powers of that logarithm, of which one stands here, and up to constants, for which c does.
D is F(x_0) - inf F (without it chi = 1), delta the chance of failure, L and rho Lipschitz constants of grad F and of the
Hessian, s2 the variance of the minibatch gradient, l the Lipschitz constant of the grad F_B (0: not known, and N is the
second).
)";

class Psgd final : public Method {
 public:
  explicit Psgd(const base::Section& s)
      : theory_(s.choice("mode", "practical", {"practical", "theory"}, "constants given, or from the theorem's") == "theory") {
    const auto positive = base::Range::positive();
    if (!theory_) {
      lr_ = StepSize::read(s, "lr", "0.01", "eta: step length");
      radius_ = s.number("radius", 0.1, base::Range::non_negative(), "r: root of the noise's mean squared length");
      return;
    }
    smoothness_ = s.number("smoothness", std::nullopt, positive, "L: Lipschitz constant of the gradient");
    hessian_lipschitz_ = s.number("hessian_lipschitz", std::nullopt, positive, "rho: Lipschitz constant of the Hessian");
    variance_ = s.number("gradient_variance", std::nullopt, base::Range::non_negative(), "s2: E|grad F_B - grad F|^2, or more");
    batch_smoothness_ = s.number("batch_smoothness", 0.0, base::Range::non_negative(),
                                 "l: Lipschitz constant of every minibatch's gradient; 0: not known");
    epsilon_ = s.number("epsilon", 1e-2, positive, "accuracy: gradient norm of most points");
    c_ = s.number("c", 0.1, {.low = 0, .high = 1, .open_low = true}, "in place of the theorem's constants");
    delta_ = s.number("failure_probability", 0.1, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "delta");
    gap_ = s.number("objective_gap", 0.0, base::Range::non_negative(),
                    "D: F(x_0) minus the infimum of F, or more; 0: not known, and no logarithm");
  }

  Needs needs() const override { return lr_.needs() | keeps_its_lengths(theory_) | Needs{Need::smooth_omega}; }
  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override { StepSize::declare(layout); }
  [[nodiscard]] Grain grain() const override { return Grain::element; }
  Cost cost(const CostPoint& p) const override { return lr_.cost(p) + Cost{.gradients = p.batch}; }

  StepReport advance(StepContext& context) const override {
    const auto t = static_cast<std::uint64_t>(context.progress.step);
    const auto d = static_cast<double>(context.space().layout().parameters());
    const double n = theory_ ? times(d) : 1;
    const double eta = (theory_ ? c_ / (smoothness_ * n * chi(d, n)) : lr_.length(context)) * context.progress.factor;
    const double deviation = (theory_ ? epsilon_ * std::sqrt(n) : radius_) / std::sqrt(d);
    const base::Random random(context.progress.seed, base::Purpose::noise);
    const auto move = math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
      const double gradient = math::squared_norm<Real>(v[0]);
      const Real rate = static_cast<Real>(eta);
      for (std::size_t i = 0; i < v.count; ++i)
        v[0][i] = rate * (v[0][i] + static_cast<Real>(deviation * random.normal(t, block.offset + i)));
      for (std::size_t i = 0; i < v.count; ++i) v[1][i] -= v[0][i];
      return math::Sums{gradient, math::squared_norm<Real>(v[0]), math::squared_norm<Real>(v[1])};
    });
    const GradientAnswer answer =
        context.oracle.gradient({.terms = {{1.0, context.x()}}, .shifts = {}, .batch = context.oracle.draw(t)},
                                {.kernel = move, .writes = {context.x()}, .reads = {}});
    return {.loss = answer.value,
            .gradient_norm = std::sqrt(answer.sums[0]),
            .update_norm = std::sqrt(answer.sums[1]),
            .parameter_norm = std::sqrt(answer.sums[2]),
            .learning_rate = eta};
  }

 private:
  [[nodiscard]] double chi(double d, double n) const {
    if (gap_ == 0) return 1;
    return std::max(1.0, std::log(d * smoothness_ * gap_ * n / (hessian_lipschitz_ * epsilon_ * delta_)));
  }
  /// N.
  [[nodiscard]] double times(double d) const {
    const double noise = variance_ / (epsilon_ * epsilon_);
    if (batch_smoothness_ == 0) return 1 + noise * d;
    const double curved = batch_smoothness_ * batch_smoothness_ / (smoothness_ * std::sqrt(hessian_lipschitz_ * epsilon_));
    return 1 + std::min(noise + curved, noise * d);
  }

  bool theory_;
  StepSize lr_;
  double radius_ = 0;
  double smoothness_ = 1;
  double hessian_lipschitz_ = 1;
  double variance_ = 0;
  double batch_smoothness_ = 0;
  double epsilon_ = 1e-2;
  double c_ = 0.1;
  double delta_ = 0.1;
  double gap_ = 0;
};

}  // namespace

extern const Entry entry_psgd;
const Entry entry_psgd{
    .name = "psgd",
    .title = "Perturbed stochastic gradient descent (stochastic PGD)",
    .rule = text_of(kPsgdRule),
    .source = "Jin, Netrapalli, Ge, Kakade & Jordan, J. ACM 68 (2021), arXiv:1902.04811, algorithm 2, theorem 16",
    .cost = "b gradients",
    .guarantee =
        "L-Lipschitz gradient, rho-Lipschitz Hessian, sub-Gaussian noise, F(x_0) - inf F <= D, eta and r of mode \"theory\" "
        "with the theorem's logarithms: with high probability half of the first O(L D N / eps^2) points, up to logarithms, "
        "have |g| <= eps and no curvature below -sqrt(rho eps): eps^-4 when minibatch gradients are Lipschitz, d eps^-4 "
        "otherwise",
    .make_method = make<Psgd, Method>,
};

}  // namespace talweg::optim
