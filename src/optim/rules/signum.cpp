// SPDX-License-Identifier: Apache-2.0
#include "optim/sign.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kSignumRule = R"(
m_t = momentum m_{t-1} + (1 - momentum) g_t          x_t = x_{t-1} - lr (sign(m_t) + weight_decay x_{t-1}),  sign(0) = 0
momentum = 0 is signSGD.
)";

struct Signum {
  Section method;
  double lr = method.number("lr", 1e-3, Range::positive(), "learning rate: the size of every step");
  double momentum = method.number("momentum", 0.9, Range::decay(), "decay of the momentum; 0: signSGD");
  double weight_decay = method.number("weight_decay", 0.0, Range::non_negative(),
                                      "times lr: share of every parameter that is taken off each step");

  void declare(math::StateLayout& slots) const {
    if (momentum > 0) slots.vector("momentum");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const auto move = [lr = Real(step.lr), weight_decay = Real(weight_decay)](Real& x, Real m) {
      x -= lr * (sign(m) + weight_decay * x);
    };
    const auto signum = [move, momentum = Real(momentum), rest = Real(1 - momentum)](Real& x, Real g, Real& m) {
      m = momentum * m + rest * g;
      move(x, m);
    };
    return either(momentum > 0, signum, move);
  }
};

}  // namespace

extern const Entry entry_signum;
const Entry entry_signum{
    .name = "signum",
    .title = "Signum and signSGD: steps by sign",
    .rule = text_of(kSignumRule),
    .source = "Bernstein, Wang, Azizzadenesheli & Anandkumar, ICML 2018, arXiv:1802.04434",
    .cost = "b gradients",
    .guarantee =
        "non-convex, batch growing with T: E |grad F|_1 = O(1/sqrt T). With a fixed batch it may diverge, even for convex F "
        "(Karimireddy et al. 2019), unless the noise is symmetric about a single mode",
    .make_rule = make_rule<Signum>,
};

}  // namespace talweg::optim
