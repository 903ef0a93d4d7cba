// SPDX-License-Identifier: Apache-2.0
// RMSProp (Tieleman & Hinton 2012; centered: Graves 2013):
//   s_t = rho s_{t-1} + (1 - rho) g_t^2       centered: q_t = rho q_{t-1} + (1 - rho) g_t, and s_t - q_t^2 in the place of s_t
//   torch          b_t = momentum b_{t-1} + g_t / (sqrt(s_t) + epsilon),      x_t = x_{t-1} - lr b_t,  s_0 = 0
//   tf1, keras     b_t = momentum b_{t-1} + lr g_t / sqrt(s_t + epsilon),     x_t = x_{t-1} - b_t,     s_0 = 1 (tf1), 0 (keras)
//   nesterov       u_t + momentum b_t in the place of b_t, u_t what is new in b_t (Optax; Goodfellow et al. 2016,
//   algorithm 8.6,
//                  in the form that stores the look-ahead point)
// s_t - q_t^2 is taken as 0 where rounding makes it negative. Non-smooth Omega without momentum only: ProxGen (Yun et al.
// 2021).
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"
#include "talweg/error.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 0.01;
  double rho = 0.99;
  double epsilon = 1e-8;
  double initial = 0;
  bool inside = false;  // epsilon under the root, lr in the buffer
};
constexpr Dialect<Defaults> kDialects[] = {{"torch", {}},
                                           {"tf1", {.lr = 0.001, .rho = 0.9, .epsilon = 1e-10, .initial = 1, .inside = true}},
                                           {"keras", {.lr = 0.001, .rho = 0.9, .epsilon = 1e-7, .inside = true}}};

class Rmsprop final : public UpdateRule {
 public:
  explicit Rmsprop(const base::Section& s) : Rmsprop(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("square_average", initial_);
    if (momentum_ > 0) slots.vector("momentum");
    if (centered_) slots.vector("average");
  }
  Needs needs() const override {
    return Needs::when(momentum_ > 0, Need::smooth_omega, "momentum = 0 has one") |
           Needs{Need::separable_omega, "groups and a ball in a diagonal metric: adagrad"};
  }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      if (centered_) {
        loop<true>(rate, b);
      } else {
        loop<false>(rate, b);
      }
    });
  }

 private:
  Rmsprop(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", d.lr, base::Range::positive(), "learning rate")),
        inside_(d.inside),
        rho_(s.number("rho", d.rho, base::Range::decay(), "decay of the mean square")),
        epsilon_(s.number("epsilon", d.epsilon, base::Range::positive(), "keeps the denominator from 0")),
        initial_(s.number("initial_accumulator", d.initial, base::Range::non_negative(), "s_0")),
        momentum_(s.number("momentum", 0.0, base::Range::decay(), "decay of the accumulated step")),
        centered_(s.flag("centered", false, "divide by the deviation from the mean gradient")),
        nesterov_(s.flag("nesterov", false, "look ahead by the momentum")) {
    if (nesterov_ && momentum_ == 0) s.fail("nesterov", "true beside momentum = 0", "momentum > 0");
  }

  template <bool Centered, class Real>
  void loop(double rate, const RuleBlock<Real>& b) const {
    const auto [rho, rest, under, beside] = b.real(rho_, 1 - rho_, inside_ ? epsilon_ : 0.0, inside_ ? 0.0 : epsilon_);
    const auto [lr, mu, fresh, out] = b.real(rate, momentum_, inside_ ? rate : 1.0, inside_ ? 1.0 : rate);
    const Real* __restrict g = b.g;
    Real* __restrict x = b.x;
    Real* __restrict s = b.slots[0];
    Real* __restrict q = Centered ? b.slots.back() : nullptr;
    const auto denominator = [&](std::size_t i) {
      Real square = s[i];
      if constexpr (Centered) square = std::max(square - q[i] * q[i], Real{0});
      return std::sqrt(square + under) + beside;
    };
    for (std::size_t i = 0; i < b.count; ++i) {
      s[i] = rho * s[i] + rest * g[i] * g[i];
      if constexpr (Centered) q[i] = rho * q[i] + rest * g[i];
    }
    if (momentum_ > 0) {
      Real* __restrict a = b.slots[1];
      const Real mix = nesterov_ ? mu : Real{1};
      const Real own = nesterov_ ? Real{1} : Real{0};
      for (std::size_t i = 0; i < b.count; ++i) {
        const Real u = fresh * g[i] / denominator(i);
        a[i] = mu * a[i] + u;
        x[i] -= out * (own * u + mix * a[i]);
      }
      return;
    }
    for (std::size_t i = 0; i < b.count; ++i) x[i] -= lr * g[i] / denominator(i);
    b.prox([&](std::size_t i) { return lr / denominator(i); });
  }

  bool inside_;
  double rho_;
  double epsilon_;
  double initial_;
  double momentum_;
  bool centered_;
  bool nesterov_;
};

constexpr DialectMap kMaps[] = {
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
    .rule =
        "s_t = rho s_{t-1} + (1 - rho) g_t^2; centered: q_t = rho q_{t-1} + (1 - rho) g_t, s_t - q_t^2 in the place of s_t\n"
        "torch: b_t = momentum b_{t-1} + g_t / (sqrt(s_t) + epsilon); x_t = x_{t-1} - lr b_t\n"
        "tf1, keras: b_t = momentum b_{t-1} + lr g_t / sqrt(s_t + epsilon); x_t = x_{t-1} - b_t\n"
        "nesterov: u_t + momentum b_t in the place of b_t, u_t what is new in b_t\n"
        "non-smooth Omega: prox in the metric of the denominator, without momentum",
    .source =
        "Tieleman & Hinton, Coursera lecture 6.5 (2012); centered: Graves, arXiv:1308.0850; dialects after "
        "torch.optim.RMSprop, TensorFlow 1's ApplyRMSProp and ApplyCenteredRMSProp, Keras; prox: ProxGen, Yun, Lozano & Yang, "
        "NeurIPS 2021",
    .cost = "b gradients",
    .guarantee =
        "none with the rate held constant, not even for convex F (Reddi, Kale & Kumar 2018); non-convex finite sums: reaches a "
        "neighbourhood of critical points when rho is near 1 (Shi et al. 2021)",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Rmsprop, UpdateRule>,
};

}  // namespace talweg::optim
