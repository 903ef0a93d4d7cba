// SPDX-License-Identifier: Apache-2.0
// LARS, layer-wise adaptive rate scaling (You, Gitman & Ginsburg 2017, algorithm 1), W a tensor:
//   r_t = eta |W_{t-1}| / (|G_t| + weight_decay |W_{t-1}|)        1 where either norm is 0
//   v_t = momentum v_{t-1} + lr r_t (G_t + weight_decay W_{t-1}),  W_t = W_{t-1} - v_t
// lr is inside the buffer. Every tensor is scaled, biases too.
#include <cmath>

#include "optim/registry.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

class Lars final : public UpdateRule {
 public:
  explicit Lars(const base::Section& s)
      : UpdateRule(s.number("lr", 1.0, base::Range::positive(), "learning rate, times each tensor's ratio")),
        momentum_(s.number("momentum", 0.9, base::Range::decay(), "decay of the accumulated step")),
        weight_decay_(s.number("weight_decay", 0.0005, base::Range::non_negative(), "times x is added to the gradient")),
        eta_(s.number("trust_coefficient", 0.001, base::Range::positive(), "eta: |W| / |G| of each tensor times this")) {}
  Grain grain() const override { return Grain::tensor; }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("momentum"); }

  Update begin(RuleStep& step) const override {
    const auto norms = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
      return math::Sums{math::squared_norm<Real>(v[0]), math::squared_norm<Real>(v[1])};
    });
    std::vector<double> rates;
    for (const math::Sums& sums : step.space().per_tensor({}, {{step.context.x(), step.g}}, norms)) {
      const double x = std::sqrt(sums[0]);
      const double g = std::sqrt(sums[1]);
      rates.push_back(step.lr * (x > 0 && g > 0 ? eta_ * x / (g + weight_decay_ * x) : 1));
    }
    return update_by([this, rates = std::move(rates)]<class Real>(const RuleBlock<Real>& b) {
      const auto [rate, momentum, weight_decay] = b.real(rates[b.block.tensor], momentum_, weight_decay_);
      Real* __restrict v = b.slots[0];
      Real* __restrict x = b.x;
      for (std::size_t i = 0; i < b.count; ++i) {
        v[i] = momentum * v[i] + rate * (b.g[i] + weight_decay * x[i]);
        x[i] -= v[i];
      }
    });
  }

 private:
  double momentum_;
  double weight_decay_;
  double eta_;
};

}  // namespace

extern const Entry entry_lars;
const Entry entry_lars{
    .name = "lars",
    .title = "LARS: momentum with a rate for each tensor",
    .rule =
        "r_t = trust_coefficient |W| / (|G| + weight_decay |W|), 1 where a norm is 0\n"
        "v_t = momentum v_{t-1} + lr r_t (G + weight_decay W); W_t = W_{t-1} - v_t, for each tensor W",
    .source = "You, Gitman & Ginsburg, arXiv:1708.03888, algorithm 1",
    .cost = "b gradients",
    .guarantee =
        "without momentum, batch and step scaled with the horizon: critical points of tensor-wise L_i-smooth F at sgd's rate, "
        "mean of the L_i in the place of their maximum (You et al. 2020, theorem 2); none in this form",
    .make_rule = make<Lars, UpdateRule>,
};

}  // namespace talweg::optim
