// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kLambRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
u_t = mhat_t / (sqrt(vhat_t) + epsilon) + weight_decay x_{t-1},  mhat_t = m_t / (1 - beta1^t),  vhat_t = v_t / (1 - beta2^t)
x_t = x_{t-1} - lr |x_{t-1}| / |u_t| u_t
Norms are those of a tensor; their ratio is 1 where either is 0.
)";

struct Lamb {
  static constexpr Grain grain = Grain::tensor;
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate, times each tensor's norm");
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", 1e-6, Range::positive(), "added to the root of the second moment");
  double weight_decay = method.number("weight_decay", 0.01, Range::non_negative(), "times x is added to the normalised step");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment");
  }

  Update begin(RuleStep& step) const {
    const double correction1 = 1 / (1 - std::pow(beta1, step.t));
    const double correction2 = 1 / std::sqrt(1 - std::pow(beta2, step.t));
    // u takes the gradient's place.
    const auto moments = math::block_kernel([&]<class Real>(const math::Block&, math::Arrays<Real> arrays) {
      const auto [b1, rest1, b2, rest2] = RuleBlock<Real>::real(beta1, 1 - beta1, beta2, 1 - beta2);
      const auto [up, scale, added, decay] = RuleBlock<Real>::real(correction1, correction2, epsilon, weight_decay);
      Real* __restrict u = arrays.data[0];
      Real* __restrict m = arrays.data[1];
      Real* __restrict v = arrays.data[2];
      const Real* __restrict x = arrays.data[3];
      for (std::size_t i = 0; i < arrays.count; ++i) {
        m[i] = b1 * m[i] + rest1 * u[i];
        v[i] = b2 * v[i] + rest2 * u[i] * u[i];
        u[i] = up * m[i] / (scale * std::sqrt(v[i]) + added) + decay * x[i];
      }
      return math::Sums{math::squared_norm<Real>(arrays[3]), math::squared_norm<Real>(arrays[0])};
    });
    math::State& state = step.state();
    std::vector<double> rates;
    for (const math::Sums& sums : step.space().per_tensor(
             {{step.g, state.vector("first_moment"), state.vector("second_moment")}}, {{step.context.x()}}, moments)) {
      const double x = std::sqrt(sums[0]);
      const double u = std::sqrt(sums[1]);
      rates.push_back(step.lr * (x > 0 && u > 0 ? x / u : 1));
    }
    return update_by([rates = std::move(rates)]<class Real>(const RuleBlock<Real>& b) {
      update_elements([rate = Real(rates[b.block.tensor])](Real& x, Real u) { x -= rate * u; }, b);
    });
  }
};

}  // namespace

extern const Entry entry_lamb;
const Entry entry_lamb{
    .name = "lamb",
    .title = "LAMB: Adam with a rate for each tensor",
    .rule = text_of(kLambRule),
    .source = "You et al., ICLR 2020, arXiv:1904.00962, algorithm 2 with phi the identity",
    .cost = "b gradients",
    .guarantee =
        "beta1 = 0, no decay, batch and step scaled with the horizon: critical points of tensor-wise L_i-smooth F at rate "
        "1/sqrt T, mean of the L_i in the place of their maximum (theorem 3); phi must be bounded, the identity is not",
    .make_rule = make_rule<Lamb>,
};

}  // namespace talweg::optim
