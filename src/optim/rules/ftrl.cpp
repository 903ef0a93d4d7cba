// SPDX-License-Identifier: Apache-2.0
// FTRL-Proximal (McMahan et al. 2013), with r(n) = n^-power (sqrt for the default power -1/2):
//   n_t = n_{t-1} + g_t^2        z_t = z_{t-1} + g_t + 2 l2_shrinkage x_{t-1} - (r(n_t) - r(n_{t-1})) / lr x_{t-1}
//   tf1, keras   x_t = (l1 sign z_t - z_t) / ((beta + r(n_t)) / lr + 2 l2) where |z_t| > l1, else 0      beta: keras only
//   paper        l2 in the place of 2 l2
// l1 and l2 act once on the whole sum z of gradients: their strength per step falls as 1/t. composite = "per_step" takes t l1
// and t l2, which tends to the minimum of f + l1 |x|_1 + l2 |x|^2. They are the rule's own, on every parameter: no Omega.
// A rate that falls draws x back, so the schedule should be constant: without l1 and l2
//   x_t = x_{t-1} (1 + r(n_{t-1}) / r(n_t) (lr_t / lr_{t-1} - 1)) - lr_t g_t / r(n_t)
// A step of rate 0 changes nothing.
// The start is soon forgotten: x_1 = (1 - sqrt(n_0 / n_1)) x_0 - lr g / sqrt(n_1). centre = "initial" has the rule work on
// x - x_0 instead, and l1 and l2 pull towards x_0.
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"
#include "talweg/error.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 0.001;
  double initial = 0.1;
  double beta = 0;
  double twice = 2;  // of l2
  bool takes_beta = true;
};
constexpr Dialect<Defaults> kDialects[] = {
    {"tf1", {.takes_beta = false}}, {"keras", {}}, {"paper", {.lr = 0.1, .initial = 0, .beta = 1, .twice = 1}}};

class Ftrl final : public UpdateRule {
 public:
  explicit Ftrl(const base::Section& s) : Ftrl(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("accumulator", initial_);
    slots.vector("linear");
    if (centred_) slots.vector("centre", math::Initial::x0());
  }
  std::string_view ignores_moved_x() const override { return "l2 or l2_shrinkage"; }
  Needs needs() const override { return {Need::smooth_omega, "its l1 and l2 are keys of [method]"}; }

  Update begin(RuleStep& step) const override {
    if (step.lr == 0) return update_by([]<class Real>(const RuleBlock<Real>&) {});  // 1 / lr is no number; nothing moves
    const double times = per_step_ ? static_cast<double>(step.t) : 1;
    return update_by([this, times, lr = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto with = [&](auto root) { centred_ ? loop<true>(b, lr, times, root) : loop<false>(b, lr, times, root); };
      if (power_ == -0.5) {
        with([](Real n) { return std::sqrt(n); });
      } else {
        with([p = static_cast<Real>(-power_)](Real n) { return std::pow(n, p); });
      }
    });
  }

 private:
  Ftrl(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", d.lr, base::Range::positive(), "learning rate")),
        twice_(d.twice),
        initial_(s.number("initial_accumulator", d.initial, base::Range::non_negative(), "n_0")),
        beta_(d.takes_beta ? s.number("beta", d.beta, base::Range::non_negative(), "added to the root of n") : 0),
        power_(s.number("power", -0.5, {.low = -1, .high = 0}, "the rate falls as n^power")),
        l1_(s.number("l1", 0.0, base::Range::non_negative(), "weight of |x|_1 on the sum of gradients")),
        l2_(s.number("l2", 0.0, base::Range::non_negative(),
                     d.twice == 2 ? "weight of |x|^2 on the sum of gradients" : "weight of |x|^2 / 2 on the sum of gradients")),
        shrinkage_(
            s.number("l2_shrinkage", 0.0, base::Range::non_negative(), "2 l2_shrinkage x is added to the gradient in z")),
        per_step_(s.choice("composite", "once", {"once", "per_step"}, "l1 and l2 act once, or as often as there are steps") ==
                  "per_step"),
        centred_(s.choice("centre", "zero", {"zero", "initial"}, "what l1, l2 and the first step pull to") == "initial") {
    if (initial_ == 0 && beta_ == 0 && l2_ == 0)
      s.fail("initial_accumulator", "0 beside beta = 0 and l2 = 0", "one of them above 0: the denominator may be 0");
  }

  template <bool Centred, class Real, class Root>
  void loop(const RuleBlock<Real>& b, double rate, double times, Root root) const {
    const auto [inverse, beta, l1, l2, shrinkage] = b.real(1 / rate, beta_, times * l1_, times * twice_ * l2_, 2 * shrinkage_);
    Real* __restrict n = b.slots[0];
    Real* __restrict z = b.slots[1];
    const Real* __restrict c = Centred ? b.slots.back() : nullptr;
    const Real* __restrict g = b.g;
    Real* __restrict x = b.x;
    for (std::size_t i = 0; i < b.count; ++i) {
      Real at = x[i];
      if constexpr (Centred) at -= c[i];
      const Real before = root(n[i]);
      n[i] += g[i] * g[i];
      const Real now = root(n[i]);
      z[i] += g[i] + shrinkage * at - (now - before) * inverse * at;
      const Real top = std::max(-l1 - z[i], Real{0}) - std::max(z[i] - l1, Real{0});
      const Real y = top / ((beta + now) * inverse + l2);
      x[i] = y;
      if constexpr (Centred) x[i] += c[i];
    }
  }

  double twice_;
  double initial_;
  double beta_;
  double power_;
  double l1_;
  double l2_;
  double shrinkage_;
  bool per_step_;
  bool centred_;
};

constexpr DialectMap kMaps[] = {
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
    .rule =
        "n_t = n_{t-1} + g_t^2; z_t = z_{t-1} + g_t + 2 l2_shrinkage x_{t-1} - (r(n_t) - r(n_{t-1})) / lr x_{t-1}, r(n) = "
        "n^-power\n"
        "tf1, keras: x_t = (l1 sign z_t - z_t) / ((beta + r(n_t)) / lr + 2 l2) where |z_t| > l1, else 0; paper: l2 for 2 l2\n"
        "composite = \"per_step\": t l1, t l2 for l1, l2; centre = \"initial\": x - x_0 for x",
    .source =
        "McMahan et al., KDD 2013; McMahan, AISTATS 2011; dialects after TensorFlow 1's ApplyFtrl, ApplyFtrlV2 (l2_shrinkage) "
        "and Keras (beta)",
    .cost = "b gradients",
    .guarantee =
        "convex: regret O(D sum_j |g_{1:T,j}|_2), as adagrad's (McMahan & Streeter 2010). With composite = \"once\", l1 and l2 "
        "vanish from the limit as 1/t; the limit is the minimum of F alone. For constant lr: a schedule that falls draws x "
        "towards the centre; a step of rate 0 changes nothing",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Ftrl, UpdateRule>,
};

}  // namespace talweg::optim
