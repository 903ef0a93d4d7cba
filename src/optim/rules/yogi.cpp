// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/sign.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kYogiRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t
v_t = v_{t-1} - (1 - beta2) sign(v_{t-1} - g_t^2) g_t^2,  v_0 = initial_accumulator
x_t = x_{t-1} - lr m_t / (sqrt(v_t) + epsilon), without bias correction
)";

struct Yogi {
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "1 - beta2 is the most the second moment changes by, times g^2");
  double epsilon = method.number("epsilon", 1e-3, Range::positive(), "added to the root of the second moment");
  double initial = method.number("initial_accumulator", 1e-6, Range::non_negative(), "v_0");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment", initial);
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr), beta1 = Real(beta1), rest1 = Real(1 - beta1), rest2 = Real(1 - beta2), epsilon = Real(epsilon)](
               Real& x, Real g, Real& m, Real& v) {
      const Real square = g * g;
      m = beta1 * m + rest1 * g;
      v -= rest2 * sign(v - square) * square;
      x -= lr * m / (std::sqrt(v) + epsilon);
    };
  }
};

}  // namespace

extern const Entry entry_yogi;
const Entry entry_yogi{
    .name = "yogi",
    .title = "Yogi: Adam with a second moment that changes slowly",
    .rule = text_of(kYogiRule),
    .source = "Zaheer, Reddi, Sachan, Kale & Kumar, NeurIPS 2018, algorithm 2",
    .cost = "b gradients",
    .guarantee =
        "non-convex, bounded gradients, beta1 = 0: E |grad F|^2 = O(1/T + sigma2/b), so the batch must grow for it to vanish",
    .make_rule = make_rule<Yogi>,
};

}  // namespace talweg::optim
