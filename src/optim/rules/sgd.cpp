// SPDX-License-Identifier: Apache-2.0
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kSgdRule = R"(
x_t = prox_lr(x_{t-1} - lr (g_t + weight_decay x_{t-1}))
Unlike [regularizer].l2, weight_decay shrinks biases too and is no part of the F that is reported.
)";

struct Sgd {
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  double weight_decay = method.number("weight_decay", 0.0, Range::non_negative(),
                                      "times x is added to the gradient: like l2, but on every parameter and outside F");

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr), weight_decay = Real(weight_decay)](Real& x, Real g) {
      x -= lr * (g + weight_decay * x);
      return lr;
    };
  }
};

}  // namespace

extern const Entry entry_sgd;
const Entry entry_sgd{
    .name = "sgd",
    .title = "Stochastic gradient descent",
    .rule = text_of(kSgdRule),
    .source =
        "Robbins & Monro, Ann. Math. Stat. 22 (1951); prox: FOBOS, Duchi & Singer, JMLR 10 (2009); weight_decay as in "
        "torch.optim.SGD",
    .cost = "b gradients",
    .guarantee =
        "convex, gradients bounded: E F(mean x) - F* = O(1/sqrt T) with lr ~ 1/sqrt T. Strongly convex: O(1/T) with lr ~ 1/t. "
        "L-Lipschitz gradient, variance sigma2: E |grad F|^2 = O(L D/T + sigma sqrt(L D/T)) (Ghadimi & Lan 2013), best "
        "possible for stochastic gradients up to constants (Arjevani et al. 2019)",
    .make_rule = make_rule<Sgd>,
};

}  // namespace talweg::optim
