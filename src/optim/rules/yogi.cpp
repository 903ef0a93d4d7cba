// SPDX-License-Identifier: Apache-2.0
// Yogi (Zaheer et al. 2018, algorithm 2): Adam whose second moment changes by no more than g^2 a step, and so forgets slowly:
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = v_{t-1} - (1 - beta2) sign(v_{t-1} - g_t^2) g_t^2
//   x_t = x_{t-1} - lr m_t / (sqrt(v_t) + epsilon)
// without bias correction; v_0 = initial_accumulator.
#include <cmath>

#include "optim/registry.hpp"
#include "optim/sign.hpp"

namespace talweg::optim {
namespace {

class Yogi final : public UpdateRule {
 public:
  explicit Yogi(const base::Section& s)
      : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "1 - beta2 is the most the second moment changes by, times g^2")),
        epsilon_(s.number("epsilon", 1e-3, base::Range::positive(), "added to the root of the second moment")),
        initial_(s.number("initial_accumulator", 1e-6, base::Range::non_negative(), "v_0")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment", initial_);
  }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, beta1, rest1, rest2, epsilon] = b.real(rate, beta1_, 1 - beta1_, 1 - beta2_, epsilon_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict v = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        const Real square = g[i] * g[i];
        m[i] = beta1 * m[i] + rest1 * g[i];
        v[i] -= rest2 * sign(v[i] - square) * square;
        x[i] -= lr * m[i] / (std::sqrt(v[i]) + epsilon);
      }
    });
  }

 private:
  double beta1_;
  double beta2_;
  double epsilon_;
  double initial_;
};

}  // namespace

extern const Entry entry_yogi;
const Entry entry_yogi{
    .name = "yogi",
    .title = "Yogi: Adam with a second moment that changes slowly",
    .rule =
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t; v_t = v_{t-1} - (1 - beta2) sign(v_{t-1} - g_t^2) g_t^2\n"
        "x_t = x_{t-1} - lr m_t / (sqrt(v_t) + epsilon), v_0 = initial_accumulator, no bias correction",
    .source = "Zaheer, Reddi, Sachan, Kale & Kumar, NeurIPS 2018, algorithm 2",
    .cost = "b gradients",
    .guarantee =
        "non-convex, bounded gradients, beta1 = 0: E |grad F|^2 = O(1/T + sigma2/b), so the batch must grow for it to vanish",
    .make_rule = make<Yogi, UpdateRule>,
};

}  // namespace talweg::optim
