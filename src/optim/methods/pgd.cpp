// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "optim/ball_noise.hpp"
#include "optim/ending.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kPgdRule = R"(
if |g| <= g_th and t - t_noise > t_th:  xs = x, t_noise = t, x = x + xi, xi uniform in the ball of radius r
if t - t_noise = t_th and F(x) - F(xs) > -f_th:  the run ends at xs
x = x - eta grad F(x)
theory:    chi = 3 max(ln(d L D / (c eps^2 delta)), 4), eta = c / L, r = sqrt(c) eps / (chi^2 L), g_th = sqrt(c) eps / chi^2,
           f_th = c sqrt(eps^3 / rho) / chi^3, t_th = chi L / (c^2 sqrt(rho eps))
practical: eta, r, g_th, f_th and t_th are given
)";

struct Thresholds {
  double eta = 0;
  double radius = 0;
  double gradient = 0;
  double decrease = 0;
  double interval = 0;  // steps
};

class Pgd final : public Method {
 public:
  explicit Pgd(const base::Section& s)
      : theory_(s.choice("mode", "practical", {"practical", "theory"}, "constants given, or from the theorem's") == "theory") {
    const auto positive = base::Range::positive();
    if (theory_) {
      smoothness_ = s.number("smoothness", std::nullopt, positive, "L: Lipschitz constant of the gradient");
      hessian_lipschitz_ = s.number("hessian_lipschitz", std::nullopt, positive, "rho: Lipschitz constant of the Hessian");
      epsilon_ = s.number("epsilon", 1e-3, positive, "accuracy: gradient norm of the point that is returned");
      c_ = s.number("c", 0.5, {.low = 0, .high = 1, .open_low = true}, "the theorem's constant");
      delta_ = s.number("failure_probability", 0.1, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "delta");
      gap_ = s.number("objective_gap", std::nullopt, positive, "D: F(x_0) minus the infimum of F, or more");
    } else {
      lr_ = StepSize::read(s, "lr", "0.01", "eta: step length");
      given_.radius = s.number("radius", 0.01, positive, "of the ball the noise is drawn from");
      given_.gradient = s.number("gradient_threshold", 1e-3, positive, "gradient norm below which noise is added");
      given_.interval =
          static_cast<double>(s.integer("noise_interval", 50, base::Range::at_least(1), "least steps between two noises"));
      given_.decrease = s.number("decrease_threshold", 1e-6, positive, "decrease of F over an interval that shows an escape");
    }
  }

  Needs needs() const override {
    return lr_.needs() | keeps_its_lengths(theory_) | Needs{Need::full_batch, Need::smooth_omega};
  }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.vector("pgd.before");        // the point before the last noise
    layout.scalar("pgd.before_value");  // F there
    layout.counter("pgd.noise_step", kNoNoiseYet);
  }

  Cost cost(const CostPoint& p) const override { return lr_.cost(p) + Cost{.gradients = 2 * p.n, .bound = true}; }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    const Vector before = context.state.vector("pgd.before");
    std::int64_t& noise_step = context.state.counter("pgd.noise_step");
    const Thresholds th = theory_ ? from_theorem(space.layout().parameters()) : given_;
    const double eta = (theory_ ? th.eta : lr_.length(context)) * context.progress.factor;
    const std::int64_t t = context.progress.step;

    const Temporary g(space);
    GradientAnswer answer = oracle.gradient_into(x, oracle.all(), g);
    const double value = answer.value + oracle.smooth_omega(x);
    StepReport report{.loss = answer.value, .gradient_norm = std::sqrt(answer.sums[0]), .learning_rate = eta};
    const auto since = static_cast<double>(noise_step == kNoNoiseYet ? 0 : t - noise_step);
    if (noise_step != kNoNoiseYet && since == std::ceil(th.interval) &&
        value - context.state.scalar("pgd.before_value") > -th.decrease) {
      report.update_norm = space.distance(x, before);
      space.copy(before, x);
      return ends(std::move(report), Outcome::converged,
                  fmt::format("F fell by no more than {:.3e} in {:.0f} steps after the noise of step {}: second-order critical",
                              th.decrease, since, noise_step));
    }
    const Temporary next(space);
    space.copy(x, next);
    const bool noisy = report.gradient_norm <= th.gradient && (noise_step == kNoNoiseYet || since > th.interval);
    if (noisy) {
      add_ball_noise(space, context.progress.seed, static_cast<std::uint64_t>(t), th.radius, next);
      oracle.gradient_into(next, oracle.all(), g);
    }
    space.axpy(-eta, g, next);
    report.update_norm = space.distance(next, x);
    if (noisy) {
      space.copy(x, before);
      context.state.scalar("pgd.before_value") = value;
      noise_step = t;
    }
    space.copy(next, x);
    return report;
  }

 private:
  Thresholds from_theorem(std::size_t parameters) const {
    const auto d = static_cast<double>(parameters);
    const double chi = 3 * std::max(std::log(d * smoothness_ * gap_ / (c_ * epsilon_ * epsilon_ * delta_)), 4.0);
    return {.eta = c_ / smoothness_,
            .radius = std::sqrt(c_) * epsilon_ / (chi * chi * smoothness_),
            .gradient = std::sqrt(c_) * epsilon_ / (chi * chi),
            .decrease = c_ * std::sqrt(epsilon_ * epsilon_ * epsilon_ / hessian_lipschitz_) / (chi * chi * chi),
            .interval = chi * smoothness_ / (c_ * c_ * std::sqrt(hessian_lipschitz_ * epsilon_))};
  }

  bool theory_;
  StepSize lr_;
  Thresholds given_;
  double smoothness_ = 1;
  double hessian_lipschitz_ = 1;
  double epsilon_ = 1e-3;
  double c_ = 0.5;
  double delta_ = 0.1;
  double gap_ = 1;
};

}  // namespace

extern const Entry entry_pgd;
const Entry entry_pgd{
    .name = "pgd",
    .title = "Perturbed gradient descent",
    .rule = text_of(kPgdRule),
    .source = "Jin, Ge, Netrapalli, Kakade & Jordan, ICML 2017, arXiv:1703.00887, algorithm 2",
    .cost = "n gradients (2 n at a noise)",
    .guarantee =
        "gradient L-Lipschitz, Hessian rho-Lipschitz: with probability 1 - delta a point with |g| <= eps and no curvature "
        "below -sqrt(rho eps) within O(L D / eps^2 log^4(d L D / (eps^2 delta))) steps (theorem 3, mode = \"theory\"). Lower "
        "bound of this class: eps^(-12/7) (Carmon et al. 2017), eps^(-7/4) in a preprint of 2026; accelerated methods reach "
        "eps^(-7/4) up to logarithms",
    .make_method = make<Pgd, Method>,
};

}  // namespace talweg::optim
