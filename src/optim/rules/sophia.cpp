// SPDX-License-Identifier: Apache-2.0
// Sophia-H (Liu, Li, Hall, Liang & Ma 2023, algorithm 3 with the estimator of algorithm 1): momentum over a diagonal Hessian
// that is estimated now and then, clipped element by element.
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t
//   at t = 1, 1 + hessian_every, ...:  h_t = beta2 h_{t-1} + (1 - beta2) u * (H u), H on minibatch t; else h_t = h_{t-1}
//   x_t = (1 - lr weight_decay) x_{t-1} - lr clip(m_t / max(gamma h_t, epsilon), 1)
// paper   u normal
// optax   m_t / (1 - beta1^t) in the place of m_t, h_{t-1} in that of h_t; the elements of u are signs
// Where h is not positive the step is that of the sign of m. The paper's Gauss-Newton-Bartlett estimator (Sophia-G) draws
// labels from the model, which no oracle here can.
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/hutchinson.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double beta1 = 0.96;
  double epsilon = 1e-12;
  double weight_decay = 0;
  bool optax = false;
};
constexpr Dialect<Defaults> kDialects[] = {{"paper", {}},
                                           {"optax", {.beta1 = 0.965, .epsilon = 1e-8, .weight_decay = 1e-4, .optax = true}}};

class Sophia final : public UpdateRule {
 public:
  explicit Sophia(const base::Section& s) : Sophia(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("curvature");
  }
  Needs needs() const override { return {Need::hvp, Need::smooth_omega}; }
  Cost cost(const CostPoint& p) const override { return {.hvps = p.step % every_ == 0 ? p.batch : 0}; }

  Update begin(RuleStep& step) const override {
    const bool fresh = (step.t - 1) % every_ == 0;
    std::vector<Temporary> estimate;
    if (fresh) estimate.push_back(hessian_diagonal(step.context, 1, optax_ ? Probe::sign : Probe::normal));
    const double up = optax_ ? 1 / (1 - std::pow(beta1_, static_cast<double>(step.t))) : 1;
    const double shrink = 1 - step.lr * weight_decay_;
    return update_by(
        [=, this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
          const auto [lr, kept, scale, gamma, epsilon] = b.real(rate, shrink, up, gamma_, epsilon_);
          const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
          Real* __restrict x = b.x;
          const Real* __restrict g = b.g;
          Real* __restrict m = b.slots[0];
          Real* __restrict h = b.slots[1];
          const auto refresh = [&] {
            for (std::size_t i = 0; fresh && i < b.count; ++i) h[i] = beta2 * h[i] + rest2 * b.reads[0][i];
          };
          if (!optax_) refresh();
          for (std::size_t i = 0; i < b.count; ++i) {
            m[i] = beta1 * m[i] + rest1 * g[i];
            const Real ratio = scale * m[i] / std::max(gamma * h[i], epsilon);
            x[i] = kept * x[i] - lr * std::clamp(ratio, Real{-1}, Real{1});
          }
          if (optax_) refresh();
        },
        std::move(estimate));
  }

 private:
  Sophia(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate: the longest step of a coordinate")),
        optax_(d.optax),
        beta1_(s.number("beta1", d.beta1, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.99, base::Range::decay(), "decay of the diagonal of the Hessian")),
        gamma_(s.number("gamma", 0.01, base::Range::positive(), "times the diagonal: what the first moment is divided by")),
        epsilon_(s.number("epsilon", d.epsilon, base::Range::positive(), "least divisor")),
        weight_decay_(s.number("weight_decay", d.weight_decay, base::Range::non_negative(),
                               "times lr: share of every parameter that is taken off each step")),
        every_(s.integer("hessian_every", 10, base::Range::at_least(1), "steps from one Hessian-vector product to the next")) {}

  bool optax_;
  double beta1_;
  double beta2_;
  double gamma_;
  double epsilon_;
  double weight_decay_;
  std::int64_t every_;
};

constexpr DialectMap kMaps[] = {{"optax", "paper",
                                 "none: optax frees m of its zero start, divides by the diagonal of the refresh before, and "
                                 "draws signs where paper draws normal numbers"}};

}  // namespace

extern const Entry entry_sophia;
const Entry entry_sophia{
    .name = "sophia",
    .title = "Sophia-H: clipped steps over a diagonal Hessian",
    .rule =
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t; every hessian_every steps h_t = beta2 h_{t-1} + (1 - beta2) u * (H u)\n"
        "paper: x_t = (1 - lr weight_decay) x_{t-1} - lr clip(m_t / max(gamma h_t, epsilon), 1), u normal\n"
        "optax: m_t / (1 - beta1^t) for m_t, h_{t-1} for h_t, u of signs",
    .source =
        "Liu, Li, Hall, Liang & Ma, ICLR 2024, arXiv:2305.14342, algorithm 3 with algorithm 1 (Hutchinson); dialect optax "
        "after optax.contrib.sophia",
    .cost = "b gradients; every hessian_every steps b Hessian-vector products more",
    .guarantee =
        "none for this stochastic rule. The paper's theorem: strictly convex F, full gradients, the exact Hessian, clipped in "
        "its eigenvectors' directions: a number of steps that does not depend on the condition number",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Sophia, UpdateRule>,
};

}  // namespace talweg::optim
