// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "optim/composite.hpp"
#include "optim/ending.hpp"
#include "optim/pairs.hpp"
#include "optim/searches.hpp"
#include "optim/standstill.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kOwlqnRule = R"(
v_j = g_j + c sign(x_j); at x_j = 0 g_j + c if that is < 0, g_j - c if that is > 0, else 0        (pseudo-gradient)
d = -H v, elements that do not point against v set to 0;  o_j = sign(x_j), at x_j = 0 sign(-v_j)   (orthant)
x_t = x + a d, elements that left the orthant set to 0; a the first of 1, shrink, shrink^2, ... with
  F(x_t) <= F(x) + c1 v'(x_t - x)
c is the weight of l1; H as in lbfgs, from differences of the gradient g of f alone.
)";

constexpr double kRounding = 1e-14;  // of |F|: what two equal values may differ by

template <class Real>
Real pseudo(Real x, Real g, Real c) {
  if (x > 0) return g + c;
  if (x < 0) return g - c;
  return g + c < 0 ? g + c : g - c > 0 ? g - c : Real{0};
}

class Owlqn final : public Method {
 public:
  explicit Owlqn(const base::Section& s)
      : pairs_("owlqn", static_cast<std::size_t>(s.integer("memory", 10, {.low = 1, .high = 100}, "pairs kept"))),
        backtracking_(Backtracking::read(s)),
        c1_(s.number("c1", 1e-4, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "sufficient decrease")) {}

  Needs needs() const override { return finds_its_lengths() | Needs{Need::full_batch, Need::l1_omega}; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    pairs_.declare(layout);
    layout.vector("owlqn.gradient");  // of f at x
    layout.counter("owlqn.started");
    layout.scalar("owlqn.loss");   // mean f_i at x
    layout.scalar("owlqn.value");  // F at x
    standstill_.declare(layout);
  }

  Cost cost(const CostPoint& p) const override {
    return {.gradients = p.step == 0 ? 2 * p.n : p.n, .values = p.n * 2 * backtracking_.tries, .bound = true};
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    math::State& state = context.state;
    const Vector x = context.x();
    const Vector g = state.vector("owlqn.gradient");
    double& loss = state.scalar("owlqn.loss");
    double& value = state.scalar("owlqn.value");
    if (state.counter("owlqn.started") == 0) {
      loss = oracle.gradient_into(x, oracle.all(), g).value;
      value = objective_at(oracle, x, loss);
      state.counter("owlqn.started") = 1;
    }
    const Temporary v(space);
    const double norm = std::sqrt(pseudo_gradient(oracle, x, g, v));
    StepReport report{.loss = loss, .gradient_norm = norm};
    if (norm == 0) return ends(std::move(report), Outcome::converged, "the pseudo-gradient is zero");
    if (standstill_.at(state, value, norm)) return Standstill::ends(std::move(report));
    const Temporary d(space);
    const Temporary next(space);
    double length = 0;
    while (length == 0) {
      pairs_.two_loop(context, v, d);
      align(space, v, d);
      const bool plain = pairs_.count(state) == 0;
      Tried tried(value);
      length = search(oracle, x, v, d, value, plain ? std::min(1.0, 1 / norm) : 1.0, next, tried);
      if (length > 0) break;
      if (plain) return no_length_found(std::move(report), tried);
      pairs_.count(state) = 0;
    }
    const Temporary gradient(space);
    const GradientAnswer answer = oracle.gradient_into(next, oracle.all(), gradient);
    const double new_value = objective_at(oracle, next, answer.value);
    report.update_norm = space.distance(next, x);
    pairs_.remember(context, x, next, g, gradient);
    space.copy(next, x);
    space.copy(gradient, g);
    loss = answer.value;
    value = new_value;
    report.learning_rate = length;
    return report;
  }

 private:
  /// |v|^2.
  static double pseudo_gradient(Oracle& oracle, Vector x, Vector g, Vector v) {
    const math::Proximal* omega = oracle.proximal();
    const auto kernel = math::block_kernel([omega]<class Real>(const math::Block& block, math::Arrays<Real> a) {
      const Real c = static_cast<Real>(omega != nullptr ? omega->l1(block) : 0);
      for (std::size_t i = 0; i < a.count; ++i) a[0][i] = pseudo(a[1][i], a[2][i], c);
      return math::Sums{math::squared_norm<Real>(a[0])};
    });
    return oracle.space().for_each_block(std::array{v}, std::array{x, g}, kernel)[0];
  }

  static void align(VectorSpace& space, Vector v, Vector d) {
    const auto kernel = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> a) {
      for (std::size_t i = 0; i < a.count; ++i) {
        if (!(a[0][i] * a[1][i] < 0)) a[0][i] = 0;
      }
    });
    space.for_each_block(std::array{d}, std::array{v}, kernel);
  }

  /// The length, 0 when there is none; next is the point.
  double search(Oracle& oracle, Vector x, Vector v, Vector d, double value, double length, Vector next, Tried& tried) const {
    for (int k = 0; k < backtracking_.tries && !tried.hopeless(); ++k, length *= backtracking_.shrink) {
      const auto move = math::block_kernel([length]<class Real>(const math::Block&, math::Arrays<Real> a) {
        const Real t = static_cast<Real>(length);
        for (std::size_t i = 0; i < a.count; ++i) {
          const Real orthant = a[1][i] != 0 ? a[1][i] : -a[3][i];
          const Real to = a[1][i] + t * a[2][i];
          a[0][i] = to * orthant > 0 ? to : to != to ? to : Real{0};
        }
        return math::Sums{math::lane_sum(a.count, [&](std::size_t i) {
          return static_cast<double>(a[3][i]) * (static_cast<double>(a[0][i]) - static_cast<double>(a[1][i]));
        })};
      });
      const double slope = oracle.space().for_each_block(std::array{next}, std::array{x, d, v}, move)[0];
      if (!(slope < 0) || !std::isfinite(slope)) {
        tried.refuse(length, std::isfinite(slope) ? std::max(0.0, -slope) : std::numeric_limits<double>::infinity(), slope);
        continue;
      }
      const double at = smooth_at(oracle, x, next).value + oracle.nonsmooth_omega(next);
      if (at <= value + c1_ * slope + kRounding * std::abs(value)) return length;
      tried.refuse(length, -slope, at);
    }
    return 0;
  }

  Pairs pairs_;
  Backtracking backtracking_;
  double c1_;
  Standstill standstill_{"owlqn"};
};

}  // namespace

extern const Entry entry_owlqn;
const Entry entry_owlqn{
    .name = "owlqn",
    .title = "OWL-QN: orthant-wise limited-memory quasi-Newton, L-BFGS with l1",
    .rule = text_of(kOwlqnRule),
    .source = "Andrew & Gao, Scalable training of L1-regularized log-linear models, ICML 2007",
    .cost = "n gradients (2 n in the first step), and n values for each length tried (1 as a rule)",
    .guarantee =
        "none that stands: the proof of convergence in the paper (convex f) has a gap (Gong & Ye, mOWL-QN, ICML 2015, who give "
        "a variant with one). Observed to converge on convex f",
    .make_method = make<Owlqn, Method>,
};

}  // namespace talweg::optim
