// SPDX-License-Identifier: Apache-2.0
// ProximalAdagrad of TensorFlow 1: AdaGrad's rates in FOBOS (Duchi & Singer 2009), with l1 and l2 of its own:
//   V_t = V_{t-1} + g_t^2          a_t = lr / sqrt(V_t)          v_t = x_{t-1} - a_t g_t
//   x_t = sign(v_t) max(|v_t| - a_t l1, 0) / (1 + a_t l2)
// The composite term is l1 |x|_1 + (l2 / 2) |x|^2 on every parameter, and no part of the F that is reported. For an Omega that
// is, take adagrad with dialect = "tf1" and [regularizer].
#include <algorithm>
#include <cmath>

#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

class ProximalAdagrad final : public UpdateRule {
 public:
  explicit ProximalAdagrad(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        initial_(s.number("initial_accumulator", 0.1, base::Range::positive(), "V_0")),
        l1_(s.number("l1", 0.0, base::Range::non_negative(), "weight of |x|_1")),
        l2_(s.number("l2", 0.0, base::Range::non_negative(), "weight of |x|^2 / 2")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("accumulator", initial_); }
  Needs needs() const override {
    return {Need::smooth_omega, "its l1 and l2 are keys of [method]"};
  }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, l1, l2] = b.real(rate, l1_, l2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict v = b.slots[0];
      for (std::size_t i = 0; i < b.count; ++i) {
        v[i] += g[i] * g[i];
        const Real a = lr / std::sqrt(v[i]);
        const Real y = x[i] - a * g[i];
        const Real shrunk = std::max(y - a * l1, Real{0}) + std::min(y + a * l1, Real{0});
        x[i] = shrunk / (1 + a * l2);
      }
    });
  }

 private:
  double initial_;
  double l1_;
  double l2_;
};

}  // namespace

extern const Entry entry_proximal_adagrad;
const Entry entry_proximal_adagrad{
    .name = "proximal_adagrad",
    .title = "AdaGrad with its own l1 and l2, by prox",
    .rule =
        "V_t = V_{t-1} + g_t^2; a_t = lr / sqrt(V_t); v_t = x_{t-1} - a_t g_t\n"
        "x_t = sign(v_t) max(|v_t| - a_t l1, 0) / (1 + a_t l2); l1 |x|_1 + (l2 / 2) |x|^2 is outside F",
    .source =
        "Duchi & Singer, JMLR 10 (2009); Duchi, Hazan & Singer, JMLR 12 (2011); form after TensorFlow 1's ApplyProximalAdagrad",
    .cost = "b gradients",
    .guarantee =
        "convex: adagrad's regret bound O(sqrt T) with the composite term included (Duchi, Hazan & Singer 2011, theorem 5)",
    .make_rule = make<ProximalAdagrad, UpdateRule>,
};

}  // namespace talweg::optim
