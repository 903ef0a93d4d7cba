// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdabeliefRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t          s_t = beta2 s_{t-1} + (1 - beta2) (g_t - m_t)^2 + epsilon
x_t = x_{t-1} - lr mhat_t / (sqrt(shat_t) + epsilon),  mhat_t = m_t / (1 - beta1^t),  shat_t = s_t / (1 - beta2^t)
Adam that divides by the deviation of the gradient from its mean. As epsilon is added to s at every step, it adds up to
epsilon / (1 - beta2).
)";

struct Adabelief {
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate");
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the mean square deviation");
  double epsilon = method.number("epsilon", 1e-16, Range::positive(), "added to the mean square deviation and to its root");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("deviation");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const double rate = step.lr / (1 - std::pow(beta1, step.t));
    const double stretch = 1 / std::sqrt(1 - std::pow(beta2, step.t));
    return [lr = Real(rate), scale = Real(stretch), epsilon = Real(epsilon), beta1 = Real(beta1), rest1 = Real(1 - beta1),
            beta2 = Real(beta2), rest2 = Real(1 - beta2)](Real& x, Real g, Real& m, Real& s) {
      m = beta1 * m + rest1 * g;
      const Real away = g - m;
      s = beta2 * s + rest2 * away * away + epsilon;
      x -= lr * m / (scale * std::sqrt(s) + epsilon);
    };
  }
};

}  // namespace

extern const Entry entry_adabelief;
const Entry entry_adabelief{
    .name = "adabelief",
    .title = "AdaBelief: steps by the belief in the gradient",
    .rule = text_of(kAdabeliefRule),
    .source = "Zhuang et al., NeurIPS 2020, arXiv:2010.07468, algorithm 2; epsilon = 1e-16 as in Optax",
    .cost = "b gradients",
    .guarantee =
        "convex, bounded domain, s_t not decreasing: regret O(sqrt T); non-convex: |grad F|^2 = O(log T / sqrt T) with lr ~ "
        "1/sqrt t, under the same assumption, which the rule does not enforce",
    .make_rule = make_rule<Adabelief>,
};

}  // namespace talweg::optim
