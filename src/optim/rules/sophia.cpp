// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/hutchinson.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kSophiaRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t
at t = 1, 1 + hessian_every, ...:  h_t = beta2 h_{t-1} + (1 - beta2) u * (H u), H on minibatch t;  else h_t = h_{t-1}
x_t = (1 - lr weight_decay) x_{t-1} - lr clip(m_t / max(gamma h_t, epsilon), 1)
paper: u normal
optax: m_t / (1 - beta1^t) in place of m_t, h_{t-1} in place of h_t;  the elements of u are signs
Where h is not positive the step is that of the sign of m. The paper's Gauss-Newton-Bartlett estimator (Sophia-G) draws labels
from the model, which no oracle here can.
)";

struct SophiaDefaults {
  double beta1 = 0.96;
  double epsilon = 1e-12;
  double weight_decay = 0;
  bool optax = false;
};
constexpr Dialect<SophiaDefaults> kSophiaDialects[] = {
    {"paper", {}}, {"optax", {.beta1 = 0.965, .epsilon = 1e-8, .weight_decay = 1e-4, .optax = true}}};

struct Sophia {
  Section method;
  SophiaDefaults dialect = choose(method, kSophiaDialects).values;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate: the longest step of a coordinate");
  double beta1 = method.number("beta1", dialect.beta1, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.99, Range::decay(), "decay of the diagonal of the Hessian");
  double gamma = method.number("gamma", 0.01, Range::positive(), "times the diagonal: what the first moment is divided by");
  double epsilon = method.number("epsilon", dialect.epsilon, Range::positive(), "least divisor");
  double weight_decay = method.number("weight_decay", dialect.weight_decay, Range::non_negative(),
                                      "times lr: share of every parameter that is taken off each step");
  std::int64_t every =
      method.integer("hessian_every", 10, Range::at_least(1), "steps from one Hessian-vector product to the next");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("curvature");
  }
  Needs needs() const { return {Need::hvp, Need::smooth_omega}; }
  Cost cost(const CostPoint& p) const { return {.hvps = p.step % every == 0 ? p.batch : 0}; }

  bool refreshes(const RuleStep& step) const { return (step.t - 1) % every == 0; }
  std::vector<Temporary> reads(RuleStep& step) const {
    std::vector<Temporary> estimate;
    if (refreshes(step)) estimate.push_back(hessian_diagonal(step.context, 1, dialect.optax ? Probe::sign : Probe::normal));
    return estimate;
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const auto take_step = [lr = Real(step.lr), kept = Real(1 - step.lr * weight_decay),
                            scale = Real(dialect.optax ? 1 / (1 - std::pow(beta1, step.t)) : 1), gamma = Real(gamma),
                            epsilon = Real(epsilon), beta1 = Real(beta1),
                            rest1 = Real(1 - beta1)](Real& x, Real g, Real& m, Real h) {
      m = beta1 * m + rest1 * g;
      const Real ratio = scale * m / std::max(gamma * h, epsilon);
      x = kept * x - lr * std::clamp(ratio, Real{-1}, Real{1});
    };
    const auto refresh = [beta2 = Real(beta2), rest2 = Real(1 - beta2)](Real& h, Real estimate) {
      h = beta2 * h + rest2 * estimate;
    };
    const auto refresh_first = [=](Real& x, Real g, Real& m, Real& h, Real estimate) {
      refresh(h, estimate);
      take_step(x, g, m, h);
    };
    const auto refresh_last = [=](Real& x, Real g, Real& m, Real& h, Real estimate) {
      take_step(x, g, m, h);
      refresh(h, estimate);
    };
    return either(!refreshes(step), take_step, either(dialect.optax, refresh_last, refresh_first));
  }
};

constexpr DialectMap kSophiaMaps[] = {
    {"optax", "paper",
     "none: optax frees m of its zero start, divides by the diagonal of the refresh before, and "
     "draws signs where paper draws normal numbers"}};

}  // namespace

extern const Entry entry_sophia;
const Entry entry_sophia{
    .name = "sophia",
    .title = "Sophia-H: clipped steps over a diagonal Hessian",
    .rule = text_of(kSophiaRule),
    .source =
        "Liu, Li, Hall, Liang & Ma, ICLR 2024, arXiv:2305.14342, algorithm 3 with algorithm 1 (Hutchinson); dialect optax "
        "after optax.contrib.sophia",
    .cost = "b gradients; every hessian_every steps b Hessian-vector products more",
    .guarantee =
        "none for this stochastic rule. The paper's theorem: strictly convex F, full gradients, the exact Hessian, clipped in "
        "its eigenvectors' directions: a number of steps that does not depend on the condition number",
    .dialects = dialect_names<kSophiaDialects>,
    .maps = kSophiaMaps,
    .make_rule = make_rule<Sophia>,
};

}  // namespace talweg::optim
