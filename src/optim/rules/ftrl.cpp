// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kFtrlRule = R"(
n_t = n_{t-1} + g_t^2;  r(n) = n^-power
z_t = z_{t-1} + g_t + 2 l2_shrinkage x_{t-1} - (r(n_t) - r(n_{t-1})) / lr x_{t-1}
tf1: x_t = (l1 sign z_t - z_t) / (r(n_t) / lr + 2 l2) where |z_t| > l1, else 0
keras: x_t = (l1 sign z_t - z_t) / ((beta + r(n_t)) / lr + 2 l2) where |z_t| > l1, else 0
paper: x_t = (l1 sign z_t - z_t) / ((beta + r(n_t)) / lr + l2) where |z_t| > l1, else 0
l1 and l2 are the rule's own, on every parameter, and no part of F. They act once on the whole sum z of gradients, so that
their strength per step falls as 1/t; composite = "per_step" takes t l1 and t l2, which tends to the minimum of
F + l1 |x|_1 + l2 |x|^2.
The start is soon lost: x_1 = (1 - sqrt(n_0 / n_1)) x_0 - lr g / sqrt(n_1). With centre = "initial" the rule works on x - x_0
instead, and l1 and l2 pull towards x_0. A rate that falls draws x to the centre, so the schedule should be constant: without
l1 and l2, x_t = x_{t-1} (1 + r(n_{t-1}) / r(n_t) (lr_t / lr_{t-1} - 1)) - lr_t g_t / r(n_t). With lr = 0 nothing changes.
)";

struct FtrlDefaults {
  double lr = 0.001;
  double initial = 0.1;
  double beta = 0;
  double twice = 2;  // of l2
  bool takes_beta = true;
};
constexpr Dialect<FtrlDefaults> kFtrlDialects[] = {
    {"tf1", {.takes_beta = false}}, {"keras", {}}, {"paper", {.lr = 0.1, .initial = 0, .beta = 1, .twice = 1}}};

struct Ftrl {
  Section method;
  FtrlDefaults dialect = choose(method, kFtrlDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "learning rate");
  double initial = method.number("initial_accumulator", dialect.initial, Range::non_negative(), "n_0");
  double beta = dialect.takes_beta ? method.number("beta", dialect.beta, Range::non_negative(), "added to the root of n") : 0;
  double power = method.number("power", -0.5, {.low = -1, .high = 0}, "the rate falls as n^power");
  double l1 = method.number("l1", 0.0, Range::non_negative(), "weight of |x|_1 on the sum of gradients");
  double l2 = method.number(
      "l2", 0.0, Range::non_negative(),
      dialect.twice == 2 ? "weight of |x|^2 on the sum of gradients" : "weight of |x|^2 / 2 on the sum of gradients");
  double l2_shrinkage =
      method.number("l2_shrinkage", 0.0, Range::non_negative(), "2 l2_shrinkage x is added to the gradient in z");
  bool per_step = method.choice("composite", "once", {"once", "per_step"},
                                "l1 and l2 act once, or as often as there are steps") == "per_step";
  bool centred = method.choice("centre", "zero", {"zero", "initial"}, "what l1, l2 and the first step pull to") == "initial";

  void check() const {
    if (initial == 0 && beta == 0 && l2 == 0)
      method.fail("initial_accumulator", "0 beside beta = 0 and l2 = 0", "one of them above 0: the denominator may be 0");
  }
  void declare(math::StateLayout& slots) const {
    slots.vector("accumulator", initial);
    slots.vector("linear");
    if (centred) slots.vector("centre", math::Initial::x0());
  }
  std::string_view ignores_moved_x() const { return "l2 or l2_shrinkage"; }
  Needs needs() const { return {Need::smooth_omega, "its l1 and l2 are keys of [method]"}; }

  template <class Real>
  auto element(const RuleStep& step) const {
    const double times = per_step ? static_cast<double>(step.t) : 1;
    const auto with_root = [&](auto r) {
      const auto lead = [r, inverse = Real(1 / step.lr), beta = Real(beta), l1 = Real(times * l1),
                         l2 = Real(times * dialect.twice * l2),
                         shrinkage = Real(2 * l2_shrinkage)](Real x, Real g, Real& n, Real& z) {
        const Real before = r(n);
        n += g * g;
        const Real now = r(n);
        z += g + shrinkage * x - (now - before) * inverse * x;
        const Real top = std::max(-l1 - z, Real{0}) - std::max(z - l1, Real{0});
        return top / ((beta + now) * inverse + l2);
      };
      return either(
          centred, [lead](Real& x, Real g, Real& n, Real& z, Real& c) { x = lead(x - c, g, n, z) + c; },
          [lead](Real& x, Real g, Real& n, Real& z) { x = lead(x, g, n, z); });
    };
    const auto square_root = with_root([](Real n) { return std::sqrt(n); });
    const auto any_power = with_root([p = Real(-power)](Real n) { return std::pow(n, p); });
    const auto nothing = [](Real&, Real) {};
    return either(step.lr == 0, nothing, either(power == -0.5, square_root, any_power));
  }
};

constexpr DialectMap kFtrlMaps[] = {
    {"keras", "tf1", "tf1 has no beta: the same for beta = 0, which is the default", "l1 = 0.0"},
    {"tf1", "paper", "l2 of paper = 2 l2 of tf1; beta = 0", "lr = 0.001\ninitial_accumulator = 0.1\nbeta = 0.0"},
    {"paper", "keras", "l2 of keras = l2 of paper / 2; beta is 1 and initial_accumulator 0 in paper",
     "lr = 0.1\ninitial_accumulator = 0.0\nbeta = 1.0"},
};

}  // namespace

extern const Entry entry_ftrl;
const Entry entry_ftrl{
    .name = "ftrl",
    .title = "FTRL-Proximal: follow the regularized leader",
    .rule = text_of(kFtrlRule),
    .source =
        "McMahan et al., KDD 2013; McMahan, AISTATS 2011; dialects after TensorFlow 1's ApplyFtrl, ApplyFtrlV2 (l2_shrinkage) "
        "and Keras (beta)",
    .cost = "b gradients",
    .guarantee =
        "convex: regret O(D sum_j |g_{1:T,j}|_2), as adagrad's (McMahan & Streeter 2010). With composite = \"once\", l1 and l2 "
        "vanish from the limit as 1/t; the limit is the minimum of F alone. For constant lr: a schedule that falls draws x "
        "towards the centre; a step of rate 0 changes nothing",
    .dialects = dialect_names<kFtrlDialects>,
    .maps = kFtrlMaps,
    .make_rule = make_rule<Ftrl>,
};

}  // namespace talweg::optim
