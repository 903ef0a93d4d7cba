// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "optim/ball_noise.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kPagdRule = R"(
if |grad F(x)| <= eps and no noise in the last t_th steps:  x = x + xi, xi uniform in the ball of radius r
y = x + (1 - theta) v;  x' = y - eta grad F(y);  v' = x' - x
if F(x) <= F(y) + grad F(y)'(x - y) - (gamma / 2) |x - y|^2:  v' = 0, and
   |v| >= s: x' = x;  else x' = the better of x + s v / |v| and x - s v / |v|
theory:    eta = 1/(4L), kappa = L / sqrt(rho eps), theta = 1/(4 sqrt kappa), gamma = theta^2 / eta, s = gamma / (4 rho),
           chi = max(1, ln(d L D / (rho eps delta))), t_th = sqrt(kappa) chi c, r = eta eps / (chi^5 c^8)
practical: eta, theta, gamma, s, r, eps and t_th are given
)";

struct Constants {
  double eta = 0;
  double theta = 0;
  double gamma = 0;
  double exploit = 0;  // s
  double radius = 0;
  double gradient = 0;  // eps
  double interval = 0;  // steps
};

class Pagd final : public Method {
 public:
  explicit Pagd(const base::Section& s)
      : theory_(s.choice("mode", "practical", {"practical", "theory"}, "constants given, or from the theorem's") == "theory") {
    const auto positive = base::Range::positive();
    if (theory_) {
      smoothness_ = s.number("smoothness", std::nullopt, positive, "L: Lipschitz constant of the gradient");
      hessian_lipschitz_ = s.number("hessian_lipschitz", std::nullopt, positive, "rho: Lipschitz constant of the Hessian");
      given_.gradient = s.number("epsilon", 1e-3, positive, "accuracy: gradient norm below which noise is added");
      c_ = s.number("c", 1.0, positive, "the theorem's constant: large enough");
      delta_ = s.number("failure_probability", 0.1, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "delta");
      gap_ = s.number("objective_gap", std::nullopt, positive, "D: F(x_0) minus the infimum of F, or more");
    } else {
      lr_ = StepSize::read(s, "lr", "0.01", "eta: step length");
      given_.theta = s.number("theta", 0.1, {.low = 0, .high = 1, .open_low = true}, "1 minus the momentum");
      given_.gamma = s.number("gamma", 0.0, base::Range::non_negative(),
                              "curvature below whose negative F counts as too non-convex; 0: the theorem's theta^2 / lr");
      given_.exploit = s.number("exploit_length", 0.01, positive, "s: how far a momentum of negative curvature is followed");
      given_.radius = s.number("radius", 0.01, positive, "of the ball the noise is drawn from");
      given_.gradient = s.number("gradient_threshold", 1e-3, positive, "gradient norm below which noise is added");
      given_.interval =
          static_cast<double>(s.integer("noise_interval", 50, base::Range::at_least(1), "least steps between two noises"));
    }
  }

  Needs needs() const override {
    return lr_.needs() | keeps_its_lengths(theory_) | Needs{Need::full_batch, Need::smooth_omega};
  }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.vector("pagd.velocity");
    layout.counter("pagd.noise_step", kNoNoiseYet);
    layout.counter("pagd.exploited");  // how often v was dropped or used
  }

  Cost cost(const CostPoint& p) const override {
    return lr_.cost(p) + Cost{.gradients = 3 * p.n, .values = 2 * p.n, .bound = true};
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    const Vector v = context.state.vector("pagd.velocity");
    std::int64_t& noise_step = context.state.counter("pagd.noise_step");
    const Constants k = theory_ ? from_theorem(space.layout().parameters()) : with_length(lr_.length(context));
    const double eta = k.eta * context.progress.factor;
    const std::int64_t t = context.progress.step;

    const Temporary at(space);  // x, perhaps with noise
    const Temporary y(space);
    const Temporary g(space);
    const Temporary next(space);
    space.copy(x, at);
    GradientAnswer here = oracle.gradient_into(at, oracle.all(), g);
    StepReport report{.loss = here.value, .gradient_norm = std::sqrt(here.sums[0]), .learning_rate = eta};
    if (report.gradient_norm <= k.gradient && (noise_step == kNoNoiseYet || static_cast<double>(t - noise_step) > k.interval)) {
      add_ball_noise(space, context.progress.seed, static_cast<std::uint64_t>(t), k.radius, at);
      here = oracle.gradient_into(at, oracle.all(), g);
      noise_step = t;
    }
    const double value = here.value + oracle.smooth_omega(at);
    space.combine(1, at, 1 - k.theta, v, y);
    const GradientAnswer ahead = oracle.gradient_into(y, oracle.all(), g);
    const double ahead_value = ahead.value + oracle.smooth_omega(y);
    const auto compare = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> a) {
      const auto back = [&](std::size_t i) { return static_cast<double>(a[0][i]) - static_cast<double>(a[1][i]); };
      return math::Sums{math::lane_sum(a.count, [&](std::size_t i) { return back(i) * static_cast<double>(a[2][i]); }),
                        math::lane_sum(a.count, [&](std::size_t i) { return back(i) * back(i); }),
                        math::squared_norm<Real>(a[3])};
    });
    const math::Sums sums = space.for_each_block({}, std::array<Vector, 4>{at, y, g, v}, compare);
    const double speed = std::sqrt(sums[2]);
    const bool concave = speed > 0 && value <= ahead_value + sums[0] - k.gamma / 2 * sums[1];
    if (!concave) {
      space.combine(1, y, -eta, g, next);
    } else if (speed >= k.exploit) {
      space.copy(at, next);
    } else {
      const double length = k.exploit / speed;
      const auto sides = oracle.along(at, v, std::array{length, -length}, oracle.all());
      const bool forward = sides[0].value <= sides[1].value || !std::isfinite(sides[1].value);
      if (!std::isfinite(sides[forward ? 0 : 1].value)) throw Diverged("F is not finite on both sides of the point");
      space.combine(1, at, forward ? length : -length, v, next);
    }
    report.update_norm = space.distance(next, x);
    if (concave) {
      space.zero(v);
      ++context.state.counter("pagd.exploited");
    } else {
      space.combine(1, next, -1, at, v);
    }
    space.copy(next, x);
    return report;
  }

 private:
  [[nodiscard]] Constants with_length(double eta) const {
    Constants k = given_;
    k.eta = eta;
    if (k.gamma == 0) k.gamma = k.theta * k.theta / eta;
    return k;
  }
  [[nodiscard]] Constants from_theorem(std::size_t parameters) const {
    const double epsilon = given_.gradient;
    const double kappa = smoothness_ / std::sqrt(hessian_lipschitz_ * epsilon);
    const double chi =
        std::max(1.0, std::log(static_cast<double>(parameters) * smoothness_ * gap_ / (hessian_lipschitz_ * epsilon * delta_)));
    Constants k{.eta = 1 / (4 * smoothness_), .theta = 1 / (4 * std::sqrt(kappa)), .gradient = epsilon};
    k.gamma = k.theta * k.theta / k.eta;
    k.exploit = k.gamma / (4 * hessian_lipschitz_);
    k.radius = k.eta * epsilon / (std::pow(chi, 5) * std::pow(c_, 8));
    k.interval = std::sqrt(kappa) * chi * c_;
    return k;
  }

  bool theory_;
  StepSize lr_;
  Constants given_;
  double smoothness_ = 1;
  double hessian_lipschitz_ = 1;
  double c_ = 1;
  double delta_ = 0.1;
  double gap_ = 1;
};

}  // namespace

extern const Entry entry_pagd;
const Entry entry_pagd{
    .name = "pagd",
    .title = "Perturbed accelerated gradient descent",
    .rule = text_of(kPagdRule),
    .source =
        "Jin, Netrapalli & Jordan, Accelerated gradient descent escapes saddle points faster than gradient descent, COLT 2018",
    .cost = "2 n gradients, n more where noise is added, 2 n values where a short momentum is followed",
    .guarantee =
        "gradient L-Lipschitz, Hessian rho-Lipschitz: with probability 1 - delta a point with |g| <= eps and no curvature "
        "below -sqrt(rho eps) among the first O(sqrt(L) rho^(1/4) D / eps^(7/4)) steps up to logarithms (theorem 3, mode = "
        "\"theory\"); it does not stop there by itself. Lower bound of this class: eps^(-12/7) (Carmon et al. 2017), "
        "eps^(-7/4) in a preprint of 2026",
    .make_method = make<Pagd, Method>,
};

}  // namespace talweg::optim
