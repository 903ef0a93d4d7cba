// SPDX-License-Identifier: Apache-2.0
// AddSign and PowerSign: a longer step where gradient and momentum agree in sign, a shorter one where they do not.
#include "optim/sign.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAddsign = R"(
m_t = beta m_{t-1} + (1 - beta) g_t          x_t = x_{t-1} - lr (alpha + sign(g_t) sign(m_t)) g_t
The part of the sign does not decay.
)";
constexpr std::string_view kPowersign = R"(
m_t = beta m_{t-1} + (1 - beta) g_t          x_t = x_{t-1} - lr base^(sign(g_t) sign(m_t)) g_t
The part of the sign does not decay.
)";

/// Moves the momentum; returns sign(g_t) sign(m_t).
template <class Real>
auto agreement(double beta) {
  return [beta = Real(beta), rest = Real(1 - beta)](Real g, Real& m) {
    m = beta * m + rest * g;
    return sign(g) * sign(m);
  };
}

struct Addsign {
  Section method;
  double lr = method.number("lr", 0.1, Range::positive(), "learning rate");
  double beta = method.number("beta", 0.9, Range::decay(), "decay of the momentum");
  double alpha = method.number("alpha", 1.0, Range::non_negative(), "rate of a gradient without agreement");

  void declare(math::StateLayout& slots) const { slots.vector("momentum"); }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [agreement = agreement<Real>(beta), lr = Real(step.lr), alpha = Real(alpha)](Real& x, Real g, Real& m) {
      x -= lr * (alpha + agreement(g, m)) * g;
    };
  }
};

struct Powersign {
  Section method;
  double lr = method.number("lr", 0.1, Range::positive(), "learning rate");
  double beta = method.number("beta", 0.9, Range::decay(), "decay of the momentum");
  double factor = method.number("base", 2.718281828459045, Range::positive(),
                                "times the rate where both agree, the rate over it where not");

  void declare(math::StateLayout& slots) const { slots.vector("momentum"); }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [agreement = agreement<Real>(beta), lr = Real(step.lr), up = Real(factor), down = Real(1 / factor)](Real& x, Real g,
                                                                                                               Real& m) {
      const Real agree = agreement(g, m);
      x -= lr * (agree > 0 ? up : agree < 0 ? down : Real{1}) * g;
    };
  }
};

}  // namespace

extern const Entry entry_addsign;
const Entry entry_addsign{
    .name = "addsign",
    .title = "AddSign: gradient and momentum compared by sign",
    .rule = text_of(kAddsign),
    .source = "Bello, Zoph, Vasudevan & Le, ICML 2017, arXiv:1709.07417; form after TensorFlow 1's ApplyAddSign",
    .cost = "b gradients",
    .guarantee = "none: found by search",
    .make_rule = make_rule<Addsign>,
};

extern const Entry entry_powersign;
const Entry entry_powersign{
    .name = "powersign",
    .title = "PowerSign: gradient and momentum compared by sign",
    .rule = text_of(kPowersign),
    .source = "Bello, Zoph, Vasudevan & Le, ICML 2017, arXiv:1709.07417; form after TensorFlow 1's ApplyPowerSign",
    .cost = "b gradients",
    .guarantee = "none: found by search",
    .make_rule = make_rule<Powersign>,
};

}  // namespace talweg::optim
