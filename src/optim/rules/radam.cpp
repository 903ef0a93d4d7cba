// SPDX-License-Identifier: Apache-2.0
// RAdam (Liu et al. 2020, algorithm 2): Adam that waits until the variance of its rate is bounded:
//   rho_inf = 2 / (1 - beta2) - 1          rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)          m, v as in adam
//   rho_t > threshold:  r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))
//                       x_t = x_{t-1} - lr r_t mhat_t sqrt(1 - beta2^t) / (sqrt(v_t) + epsilon)
//   else                x_t = x_{t-1} - lr mhat_t
// The threshold is 4 in the paper, 5 in torch. The paper has no epsilon; both dialects need one where v = 0.
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double threshold = 5;
};
constexpr Dialect<Defaults> kDialects[] = {{"torch", {}}, {"paper", {.threshold = 4}}};

class Radam final : public UpdateRule {
 public:
  explicit Radam(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        threshold_(choose(s, kDialects).values.threshold),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", 1e-8, base::Range::positive(), "added to the root of the second moment")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment");
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const double power = std::pow(beta2_, t);
    const double longest = 2 / (1 - beta2_) - 1;
    const double length = longest - 2 * t * power / (1 - power);
    const bool adapts = length > threshold_;
    double rate = step.lr / (1 - std::pow(beta1_, t));
    if (adapts)
      rate *= std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length) * (1 - power));
    return update_by([this, rate, adapts]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, epsilon] = b.real(rate, epsilon_);
      const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict v = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
      }
      if (adapts) {
        for (std::size_t i = 0; i < b.count; ++i) x[i] -= lr * m[i] / (std::sqrt(v[i]) + epsilon);
      } else {
        for (std::size_t i = 0; i < b.count; ++i) x[i] -= lr * m[i];
      }
    });
  }

 private:
  double threshold_;
  double beta1_;
  double beta2_;
  double epsilon_;
};

constexpr DialectMap kMaps[] = {
    {"paper", "torch", "none: where 4 < rho_t <= 5 paper takes the adaptive step and torch not; the same steps otherwise"},
};

}  // namespace

extern const Entry entry_radam;
const Entry entry_radam{
    .name = "radam",
    .title = "RAdam: Adam with a rectified rate",
    .rule =
        "rho_inf = 2 / (1 - beta2) - 1; rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t); m, v as in adam\n"
        "rho_t > 5 (paper: 4): r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t)),\n"
        "  x_t = x_{t-1} - lr r_t mhat_t sqrt(1 - beta2^t) / (sqrt(v_t) + epsilon)\n"
        "else x_t = x_{t-1} - lr mhat_t",
    .source = "Liu et al., ICLR 2020, arXiv:1908.03265, algorithm 2; dialect torch after torch.optim.RAdam",
    .cost = "b gradients",
    .guarantee =
        "none of its own: the factor bounds the variance of the rate in the first steps, after which it is adam and fails "
        "where adam does",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Radam, UpdateRule>,
};

}  // namespace talweg::optim
