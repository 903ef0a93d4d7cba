// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kLarsRule = R"(
ratio_t = trust_coefficient |x_{t-1}| / (|g_t| + weight_decay |x_{t-1}|), 1 where either norm is 0
v_t = momentum v_{t-1} + lr ratio_t (g_t + weight_decay x_{t-1})          x_t = x_{t-1} - v_t
Norms are those of a tensor; every tensor has its ratio, biases too. lr is inside the buffer v.
)";

struct Lars {
  static constexpr Grain grain = Grain::tensor;
  Section method;
  double lr = method.number("lr", 1.0, Range::positive(), "learning rate, times each tensor's ratio");
  double momentum = method.number("momentum", 0.9, Range::decay(), "decay of the accumulated step");
  double weight_decay = method.number("weight_decay", 0.0005, Range::non_negative(), "times x is added to the gradient");
  double trust = method.number("trust_coefficient", 0.001, Range::positive(), "|x| / |g| of each tensor times this");

  void declare(math::StateLayout& slots) const { slots.vector("momentum"); }

  Update begin(RuleStep& step) const {
    const auto norms = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
      return math::Sums{math::squared_norm<Real>(v[0]), math::squared_norm<Real>(v[1])};
    });
    std::vector<double> rates;
    for (const math::Sums& sums : step.space().per_tensor({}, {{step.context.x(), step.g}}, norms)) {
      const double x = std::sqrt(sums[0]);
      const double g = std::sqrt(sums[1]);
      rates.push_back(step.lr * (x > 0 && g > 0 ? trust * x / (g + weight_decay * x) : 1));
    }
    return update_by([this, rates = std::move(rates)]<class Real>(const RuleBlock<Real>& b) {
      const auto take_step = [rate = Real(rates[b.block.tensor]), momentum = Real(momentum), weight_decay = Real(weight_decay)](
                                 Real& x, Real g, Real& v) {
        v = momentum * v + rate * (g + weight_decay * x);
        x -= v;
      };
      update_elements(take_step, b);
    });
  }
};

}  // namespace

extern const Entry entry_lars;
const Entry entry_lars{
    .name = "lars",
    .title = "LARS: momentum with a rate for each tensor",
    .rule = text_of(kLarsRule),
    .source = "You, Gitman & Ginsburg, arXiv:1708.03888, algorithm 1",
    .cost = "b gradients",
    .guarantee =
        "without momentum, batch and step scaled with the horizon: critical points of tensor-wise L_i-smooth F at sgd's rate, "
        "mean of the L_i in the place of their maximum (You et al. 2020, theorem 2); none in this form",
    .make_rule = make_rule<Lars>,
};

}  // namespace talweg::optim
