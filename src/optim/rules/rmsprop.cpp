// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kRmspropRule = R"(
s_t = rho s_{t-1} + (1 - rho) g_t^2          centered: s_t - q_t^2 in place of s_t, q_t = rho q_{t-1} + (1 - rho) g_t
torch: a_t = momentum a_{t-1} + g_t / (sqrt(s_t) + epsilon);  x_t = x_{t-1} - lr a_t;  s_0 = 0
tf1, keras: a_t = momentum a_{t-1} + lr g_t / sqrt(s_t + epsilon);  x_t = x_{t-1} - a_t;  s_0 = 1 (tf1), 0 (keras)
nesterov: u_t + momentum a_t in place of a_t, where u_t is the new part of a_t
s_t - q_t^2 counts as 0 where rounding makes it negative.
With a non-smooth Omega, without momentum: prox in the metric of the denominator.
)";

struct RmspropDefaults {
  double lr = 0.01;
  double rho = 0.99;
  double epsilon = 1e-8;
  double initial = 0;
  bool inside = false;  // epsilon under the root, lr in the buffer
};
constexpr Dialect<RmspropDefaults> kRmspropDialects[] = {
    {"torch", {}},
    {"tf1", {.lr = 0.001, .rho = 0.9, .epsilon = 1e-10, .initial = 1, .inside = true}},
    {"keras", {.lr = 0.001, .rho = 0.9, .epsilon = 1e-7, .inside = true}}};

struct Rmsprop {
  Section method;
  RmspropDefaults dialect = choose(method, kRmspropDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "learning rate");
  double rho = method.number("rho", dialect.rho, Range::decay(), "decay of the mean square");
  double epsilon = method.number("epsilon", dialect.epsilon, Range::positive(), "keeps the denominator from 0");
  double initial = method.number("initial_accumulator", dialect.initial, Range::non_negative(), "s_0");
  double momentum = method.number("momentum", 0.0, Range::decay(), "decay of the accumulated step");
  bool centered = method.flag("centered", false, "divide by the deviation from the mean gradient");
  bool nesterov = method.flag("nesterov", false, "look ahead by the momentum");

  void check() const {
    if (nesterov && momentum == 0) method.fail("nesterov", "true beside momentum = 0", "momentum > 0");
  }
  void declare(math::StateLayout& slots) const {
    slots.vector("square_average", initial);
    if (momentum > 0) slots.vector("momentum");
    if (centered) slots.vector("average");
  }
  Needs needs() const {
    return Needs::when(momentum > 0, Need::smooth_omega, "momentum = 0 has one") |
           Needs{Need::separable_omega, "groups and a ball in a diagonal metric: adagrad"};
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const bool inside = dialect.inside;
    const auto root = [under = Real(inside ? epsilon : 0), outside = Real(inside ? 0 : epsilon)](Real square) {
      return std::sqrt(square + under) + outside;
    };
    const auto plain = [root, rho = Real(rho), rest = Real(1 - rho)](Real g, Real& s) {
      s = rho * s + rest * g * g;
      return root(s);
    };
    const auto deviation = [root, rho = Real(rho), rest = Real(1 - rho)](Real g, Real& s, Real& q) {
      s = rho * s + rest * g * g;
      q = rho * q + rest * g;
      return root(std::max(s - q * q, Real{0}));
    };
    const auto move = [lr = Real(step.lr)](Real& x, Real g, Real d) {
      x -= lr * g / d;
      return lr / d;
    };
    const auto gather = [momentum = Real(momentum), fresh = Real(inside ? step.lr : 1), lr = Real(inside ? 1 : step.lr),
                         own = Real(nesterov ? 1 : 0), mix = Real(nesterov ? momentum : 1)](Real& x, Real g, Real& a, Real d) {
      const Real u = fresh * g / d;
      a = momentum * a + u;
      x -= lr * (own * u + mix * a);
    };
    return either(momentum > 0,
                  either(
                      centered, [=](Real& x, Real g, Real& s, Real& a, Real& q) { gather(x, g, a, deviation(g, s, q)); },
                      [=](Real& x, Real g, Real& s, Real& a) { gather(x, g, a, plain(g, s)); }),
                  either(
                      centered, [=](Real& x, Real g, Real& s, Real& q) { return move(x, g, deviation(g, s, q)); },
                      [=](Real& x, Real g, Real& s) { return move(x, g, plain(g, s)); }));
  }
};

constexpr DialectMap kRmspropMaps[] = {
    {"tf1", "torch",
     "none: sqrt(s + epsilon) is no sqrt(s) + constant; with momentum lr stands inside the buffer, the same only while it does "
     "not change"},
    {"keras", "torch",
     "none: sqrt(s + epsilon) is no sqrt(s) + constant; with momentum lr stands inside the buffer, the same only while it does "
     "not change"},
    {"tf1", "keras", "the same recurrence; initial_accumulator and epsilon differ",
     "initial_accumulator = 1.0\nepsilon = 1e-10"},
};

}  // namespace

extern const Entry entry_rmsprop;
const Entry entry_rmsprop{
    .name = "rmsprop",
    .title = "RMSProp",
    .rule = text_of(kRmspropRule),
    .source =
        "Tieleman & Hinton, Coursera lecture 6.5 (2012); centered: Graves, arXiv:1308.0850; dialects after "
        "torch.optim.RMSprop, TensorFlow 1's ApplyRMSProp and ApplyCenteredRMSProp, Keras; prox: ProxGen, Yun, Lozano & Yang, "
        "NeurIPS 2021",
    .cost = "b gradients",
    .guarantee =
        "none with the rate held constant, not even for convex F (Reddi, Kale & Kumar 2018); non-convex finite sums: reaches a "
        "neighbourhood of critical points when rho is near 1 (Shi et al. 2021)",
    .dialects = dialect_names<kRmspropDialects>,
    .maps = kRmspropMaps,
    .make_rule = make_rule<Rmsprop>,
};

}  // namespace talweg::optim
