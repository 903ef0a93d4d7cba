// SPDX-License-Identifier: Apache-2.0
#include "optim/sign.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kLionRule = R"(
x_t = x_{t-1} - lr (sign(beta1 m_{t-1} + (1 - beta1) g_t) + weight_decay x_{t-1})
m_t = beta2 m_{t-1} + (1 - beta2) g_t
)";

struct Lion {
  Section method;
  double lr = method.number("lr", 1e-4, Range::positive(), "learning rate: the size of every step");
  double beta1 = method.number("beta1", 0.9, Range::decay(), "weight of the momentum in the step");
  double beta2 = method.number("beta2", 0.99, Range::decay(), "decay of the momentum");
  double weight_decay = method.number("weight_decay", 0.0, Range::non_negative(),
                                      "times lr: share of every parameter that is taken off each step");

  void declare(math::StateLayout& slots) const { slots.vector("momentum"); }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr), beta1 = Real(beta1), rest1 = Real(1 - beta1), beta2 = Real(beta2), rest2 = Real(1 - beta2),
            weight_decay = Real(weight_decay)](Real& x, Real g, Real& m) {
      x -= lr * (sign(beta1 * m + rest1 * g) + weight_decay * x);
      m = beta2 * m + rest2 * g;
    };
  }
};

}  // namespace

extern const Entry entry_lion;
const Entry entry_lion{
    .name = "lion",
    .title = "Lion: evolved sign momentum",
    .rule = text_of(kLionRule),
    .source = "Chen et al., NeurIPS 2023, arXiv:2302.06675, algorithm 2",
    .cost = "b gradients",
    .guarantee =
        "none in the paper: found by search. With weight_decay it seeks the minimum of F in the box |x|_inf <= 1 / "
        "weight_decay (Chen et al. 2024); with lr constant it ends in steps of size lr",
    .make_rule = make_rule<Lion>,
};

}  // namespace talweg::optim
