// SPDX-License-Identifier: Apache-2.0
// LAMB, layer-wise adaptive moments (You et al. 2020, algorithm 2, phi the identity), W a tensor:
//   m_t, v_t as in adam;  U = mhat_t / (sqrt(vhat_t) + epsilon) + weight_decay W_{t-1}
//   W_t = W_{t-1} - lr |W_{t-1}| / |U| U          ratio 1 where either norm is 0
#include <cmath>

#include "optim/registry.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

class Lamb final : public UpdateRule {
 public:
  explicit Lamb(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate, times each tensor's norm")),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", 1e-6, base::Range::positive(), "added to the root of the second moment")),
        weight_decay_(s.number("weight_decay", 0.01, base::Range::non_negative(), "times x is added to the normalised step")) {}
  Grain grain() const override { return Grain::tensor; }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment");
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const double one = 1 / (1 - std::pow(beta1_, t));
    const double two = 1 / std::sqrt(1 - std::pow(beta2_, t));
    // U takes the gradient's place.
    const auto moments = math::block_kernel([&]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const auto [beta1, rest1, beta2, rest2] = RuleBlock<Real>::real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
      const auto [up, scale, epsilon, weight_decay] = RuleBlock<Real>::real(one, two, epsilon_, weight_decay_);
      Real* __restrict u = v.data[0];
      Real* __restrict m = v.data[1];
      Real* __restrict s = v.data[2];
      const Real* __restrict x = v.data[3];
      for (std::size_t i = 0; i < v.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * u[i];
        s[i] = beta2 * s[i] + rest2 * u[i] * u[i];
        u[i] = up * m[i] / (scale * std::sqrt(s[i]) + epsilon) + weight_decay * x[i];
      }
      return math::Sums{math::squared_norm<Real>(v[3]), math::squared_norm<Real>(v[0])};
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
      const auto [rate] = b.real(rates[b.block.tensor]);
      for (std::size_t i = 0; i < b.count; ++i) b.x[i] -= rate * b.g[i];
    });
  }

 private:
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
};

}  // namespace

extern const Entry entry_lamb;
const Entry entry_lamb{
    .name = "lamb",
    .title = "LAMB: Adam with a rate for each tensor",
    .rule =
        "m_t, v_t as in adam; U = mhat_t / (sqrt(vhat_t) + epsilon) + weight_decay W;\n"
        "W_t = W_{t-1} - lr |W| / |U| U for each tensor W; ratio 1 where a norm is 0",
    .source = "You et al., ICLR 2020, arXiv:1904.00962, algorithm 2 with phi the identity",
    .cost = "b gradients",
    .guarantee =
        "beta1 = 0, no decay, batch and step scaled with the horizon: critical points of tensor-wise L_i-smooth F at rate "
        "1/sqrt T, mean of the L_i in the place of their maximum (theorem 3); phi must be bounded, the identity is not",
    .make_rule = make<Lamb, UpdateRule>,
};

}  // namespace talweg::optim
